//! What is asked of name servers of the tests' own, and what becomes of their answers.

mod health;
mod memory;
mod relay;
pub mod stub;

use std::net::{SocketAddr, UdpSocket};

use self::stub::Stub;
use crate::dns_server::{A, Server, ask, query};
use crate::support::{Home, PROGRAM};

/// A resolver that asks these, with these lines more in `[dns]`.
#[track_caller]
fn resolver(upstreams: &[SocketAddr], lines: &str) -> Server {
    resolver_at("127.0.0.1:0", upstreams, lines)
}

#[track_caller]
pub fn resolver_at(listen: &str, upstreams: &[SocketAddr], lines: &str) -> Server {
    let home = Home::new();
    let upstreams: Vec<String> = upstreams.iter().map(|address| format!("\"{address}\"")).collect();
    let upstreams = upstreams.join(", ");
    home.configure(&format!("[dns]\nallow = [\"corp.example\"]\nupstream = [{upstreams}]\n{lines}\n"));
    let mut command = home.command(PROGRAM);
    command.args(["dns", "serve", "--listen", listen]);
    Server::run(home, &mut command)
}

/// One upstream that answers, and a resolver that asks it.
#[track_caller]
fn one(lines: &str) -> (Stub, Server) {
    let stub = Stub::new(stub::good);
    let server = resolver(&[stub.address], lines);
    (stub, server)
}

/// The code of the answer to a question for this name.
#[track_caller]
fn code(socket: &UdpSocket, name: &str) -> u8 {
    let answer = ask(socket, &query(1, name, A));
    assert_eq!(answer[..2], [0, 1]);
    answer[3] & 15
}

const SERVER_FAILURE: u8 = 2;
const NO_NAME: u8 = 3;
const REFUSED: u8 = 5;
