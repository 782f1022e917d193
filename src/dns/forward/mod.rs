//! Asks an upstream in time, never ourselves.
//!
//! A message goes on as it came, and so does its answer: what the two ends say to each other is theirs (RFC 5625). Only its number is
//! another one. No task waits for an answer: one table knows all questions that are on their way, and one task looks at it
//! when there is anything in it.

pub(super) mod check;
mod exchange;
mod inlet;
mod pending;
mod random;
mod sockets;
mod streams;

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::timeout;

use self::exchange::Exchange;
use self::inlet::Inlet;
use super::ask::Asker;
use super::cache::Cache;
use super::counters::Counters;
use super::plan::Plan;
use super::question::Question;
use super::upstream;
use crate::host::clock;
use crate::host::datagrams::Incoming;

/// The longest answer that is taken by UDP: of a longer one its asker is told to come over TCP.
const LARGEST: usize = 4096;

/// What forwards; each thread has its own.
#[derive(Debug)]
pub struct Forwarder {
    exchange: RefCell<Exchange>,
    incoming: RefCell<Incoming>,
    /// There is something to be sent; the time is to be watched.
    send: Notify,
    watch: Notify,
    own: Vec<SocketAddr>,
    last_way: Rc<Cell<u32>>,
}

impl Forwarder {
    /// To be made on the thread's runtime. `own` are the addresses at which this server is asked.
    ///
    /// # Errors
    /// None by now: an upstream that cannot be reached is one that may be later.
    pub fn new(plan: &Plan, own: &[SocketAddr], counters: Arc<Counters>) -> io::Result<Rc<Self>> {
        let forwarder = Rc::new(Self {
            exchange: RefCell::new(Exchange::new(Cache::new(plan.cache), counters, clock::now())),
            incoming: RefCell::new(Incoming::new(LARGEST, 0)),
            send: Notify::new(),
            watch: Notify::new(),
            own: own.to_vec(),
            last_way: Rc::default(),
        });
        forwarder.replace_upstreams(plan);
        spawn_local(Rc::clone(&forwarder).send());
        spawn_local(Rc::clone(&forwarder).watch());
        Ok(forwarder)
    }

    /// Whether nobody waits for an answer.
    pub fn is_idle(&self) -> bool {
        self.exchange.borrow().is_idle()
    }

    /// An answer that is remembered, written over the question in `buffer` (its first bytes are the message): its length. `None`: it
    /// has to be asked for, or is longer than who asked by UDP takes.
    pub fn answer_from_memory(
        &self,
        question: &Question,
        buffer: &mut [u8],
        is_stream: bool,
        now: impl FnOnce() -> Instant,
    ) -> Option<usize> {
        self.exchange.borrow().cache.get(question, buffer, is_stream, now)
    }

    /// Asks for it; the asker has his answer within two seconds.
    pub fn ask(self: &Rc<Self>, message: &[u8], question: &Question, asker: Asker) {
        self.exchange(|exchange| exchange.ask(message, question, asker, clock::now()));
    }

    /// Asks those from now on, and remembers as much as it says. What is remembered of others is forgotten.
    pub fn replace_upstreams(self: &Rc<Self>, plan: &Plan) {
        let others = upstream::others(&plan.upstreams, &self.own, is_here);
        let ours = plan.upstreams.len() - others.len();
        if ours > 0 {
            tracing::info!("of the name servers, {ours} are this one, or named twice");
        }
        self.exchange(|exchange| {
            if others == exchange.upstreams() && exchange.cache.most() == plan.cache {
                return;
            }
            exchange.cache = Cache::new(plan.cache);
            let inlet = |line| Inlet::new(Rc::downgrade(self), line, Rc::clone(&self.last_way));
            exchange.ask_of(&others, inlet, clock::now());
        });
    }

    /// Does something with the exchange, and calls those whom it needs then.
    fn exchange<T>(&self, act: impl FnOnce(&mut Exchange) -> T) -> T {
        let mut exchange = self.exchange.borrow_mut();
        let had_batch = exchange.has_batch();
        let done = act(&mut exchange);
        if exchange.has_batch() && !had_batch {
            self.send.notify_one();
        }
        if exchange.calls_watch() {
            self.watch.notify_one();
        }
        done
    }

    /// Sends what a turn of the loop has brought together, for ever.
    async fn send(self: Rc<Self>) {
        loop {
            self.send.notified().await;
            self.exchange.borrow_mut().flush();
        }
    }

    /// Watches the time, for ever.
    async fn watch(self: Rc<Self>) {
        loop {
            let pause = self.exchange.borrow_mut().pause(clock::now());
            match pause {
                Some(pause) => drop(timeout(pause, self.watch.notified()).await),
                None => self.watch.notified().await,
            }
            self.exchange(|exchange| exchange.tick(clock::now()));
        }
    }

    /// Takes what has come by a socket: whether that was all.
    fn take_batch(&self, way: u32, socket: &UdpSocket) -> io::Result<bool> {
        let mut incoming = self.incoming.borrow_mut();
        let count = incoming.receive(socket)?;
        let now = clock::now();
        self.exchange(|exchange| {
            for at in 0..count {
                let (bytes, length, _) = incoming.message(at);
                let is_cut = length > bytes.len();
                let length = length.min(bytes.len());
                exchange.take(way, &mut bytes[..length], is_cut, now);
            }
        });
        Ok(incoming.is_all())
    }

    /// Takes one message.
    fn take(&self, way: u32, answer: &mut [u8]) {
        self.exchange(|exchange| exchange.take(way, answer, false, clock::now()));
    }

    /// A socket to this upstream says that nobody is there.
    fn refused(&self, line: usize, error: &io::Error) {
        if sockets::is_unreachable(error) {
            self.exchange(|exchange| exchange.unreachable(line, error, clock::now()));
        }
    }

    /// A connection to this upstream has ended.
    fn ended(&self, line: usize, way: u32, has_answered: bool) {
        self.exchange(|exchange| exchange.ended(line, way, has_answered, clock::now()));
    }
}

/// Whether this is an address of this node: what is sent there leaves from it.
fn is_here(ip: IpAddr) -> bool {
    let any = match ip {
        IpAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let leaves_from = |socket: UdpSocket| socket.connect((ip, 53)).and_then(|()| socket.local_addr());
    UdpSocket::bind((any, 0)).and_then(leaves_from).is_ok_and(|own| own.ip() == ip)
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, LocalOptions};

    use super::super::policy::{Policy, Rules};
    use super::super::question::read;
    use super::*;

    fn message(number: u16) -> Vec<u8> {
        let name = format!("name-{number}");
        let [high, low] = number.to_be_bytes();
        let mut message = vec![high, low, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, u8::try_from(name.len()).unwrap()];
        message.extend(name.as_bytes());
        message.extend([0, 0, 1, 0, 1]);
        message
    }

    #[test]
    fn where_there_is_no_room_one_that_waits_gives_way() {
        let stub = UdpSocket::bind("127.0.0.1:0").unwrap();
        let upstreams = vec![stub.local_addr().unwrap()];
        let plan = Plan { policy: Policy::new(&Rules::default()), upstreams, cache: 0, only_while_offline: false };
        let runtime =
            Builder::new_current_thread().enable_io().enable_time().build_local(LocalOptions::default()).unwrap();
        let told: Rc<RefCell<Vec<Vec<u8>>>> = Rc::default();
        runtime.block_on(async {
            let forwarder = Forwarder::new(&plan, &[], Arc::default()).unwrap();
            let most = u16::try_from(pending::MOST).unwrap();
            let ask = |number: u16| {
                let message = message(number);
                forwarder.ask(&message, &read(&message).unwrap(), Asker::keeping(Rc::clone(&told)));
            };
            (0..most).for_each(ask);
            assert!(told.borrow().is_empty());
            // The same question is one more who waits.
            for number in [most, most - 1] {
                ask(number);
                let [failure] = told.take().try_into().unwrap();
                assert_eq!(failure[2..4], [0x81, 0x82]);
                assert!(u16::from_be_bytes([failure[0], failure[1]]) < 64, "one of the oldest");
            }
            forwarder.exchange(|exchange| exchange.tick(clock::now() + std::time::Duration::from_secs(3)));
            assert_eq!(told.take().len(), pending::MOST);
        });
    }
}
