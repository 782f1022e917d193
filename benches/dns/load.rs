//! The load: questions over UDP or TCP, so many on their way at any time, and how long each answer took.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use hpcsh::host::datagrams::{Incoming, Outgoing};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long nothing may come until what is on its way counts as lost.
const SILENCE: Duration = Duration::from_millis(200);

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Answers that came.
    pub answers: usize,
    /// Those with another code than most had.
    pub wrong: usize,
    /// Questions without one.
    pub lost: usize,
    /// From the first question on.
    pub seconds: f64,
    /// Seconds of each, in order.
    latencies: Vec<f32>,
}

impl Outcome {
    /// Answers of a second.
    #[allow(clippy::cast_precision_loss)] // millions
    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.seconds
    }

    /// How long this part of them took at the most.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // millions
    pub fn quantile(&self, part: f64) -> f64 {
        let at = ((self.latencies.len() as f64 - 1.0) * part).round() as usize;
        self.latencies.get(at).copied().unwrap_or(f32::NAN).into()
    }

    fn end(mut self, started: Instant) -> Self {
        self.seconds = started.elapsed().as_secs_f64();
        self.latencies.sort_unstable_by(f32::total_cmp);
        self
    }

    fn take(&mut self, answer: &[u8], code: u8, seconds: f32) {
        self.answers += 1;
        let is_right = answer.len() >= 12 && answer[2] & 0x80 != 0 && answer[3] & 15 == code;
        self.wrong += usize::from(!is_right);
        self.latencies.push(seconds);
    }
}

/// Questions of both families for so many names below a domain; the numbers are their places.
pub fn questions(count: u16, domain: &str) -> Vec<Vec<u8>> {
    (0..count).map(|number| question(number, &format!("name-{number}.{domain}"), number % 2 == 1)).collect()
}

/// One question for an address.
pub fn question(id: u16, name: &str, is_six: bool) -> Vec<u8> {
    let mut message = [&id.to_be_bytes()[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        message.push(u8::try_from(label.len()).unwrap_or_default());
        message.extend(label.bytes());
    }
    message.extend([0, 0, if is_six { 28 } else { 1 }, 0, 1]);
    message
}

/// How long, and how much at once.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Questions on their way.
    pub window: usize,
    /// Until so many answers have come, or so much time has passed.
    pub answers: usize,
    /// See there.
    pub span: Duration,
    /// The code that answers are to have.
    pub code: u8,
}

/// From one socket, by batches.
pub fn udp(to: SocketAddr, questions: &[Vec<u8>], shape: Shape) -> Result<Outcome, String> {
    let broken = |error: std::io::Error| format!("the load: {error}");
    let socket = UdpSocket::bind("127.0.0.1:0").map_err(broken)?;
    socket.connect(to).map_err(broken)?;
    socket.set_nonblocking(true).map_err(broken)?;
    let (mut incoming, mut outgoing) = (Incoming::new(1024, 0), Outgoing::new());
    let mut sent = vec![Instant::now(); questions.len()];
    let mut outcome = Outcome::default();
    let (mut next, mut under_way) = (0, 0);
    let started = Instant::now();
    let mut heard = started;
    while outcome.answers < shape.answers && started.elapsed() < shape.span {
        let now = Instant::now();
        while under_way < shape.window {
            outgoing.push(&questions[next], None);
            sent[next] = now;
            next = (next + 1) % questions.len();
            under_way += 1;
        }
        outgoing.send(&socket);
        loop {
            match incoming.receive(&socket) {
                Ok(count) => {
                    heard = Instant::now();
                    for at in 0..count {
                        let (message, length, _) = incoming.message(at);
                        let id = usize::from(u16::from_be_bytes([message[0], message[1]]));
                        let took = sent.get(id).map_or(f32::NAN, |sent| (heard - *sent).as_secs_f32());
                        outcome.take(&message[..length], shape.code, took);
                    }
                    under_way = under_way.saturating_sub(count);
                    // More may be there: the window is filled up when it has been emptied.
                    if incoming.is_all() {
                        break;
                    }
                }
                // The last batch was full, and was the last.
                Err(error) if error.kind() == ErrorKind::WouldBlock && under_way < shape.window => break,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut files = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)];
                    let _ = poll(&mut files, Some(&Timespec { tv_sec: 0, tv_nsec: 50_000_000 }));
                    if heard.elapsed() > SILENCE {
                        outcome.lost += under_way;
                        (under_way, heard) = (0, Instant::now());
                        break;
                    }
                    if started.elapsed() >= shape.span {
                        break;
                    }
                }
                Err(error) => return Err(format!("the load: {error}")),
            }
        }
    }
    Ok(outcome.end(started))
}

/// Over so many connections; the window is that of all.
pub fn tcp(to: SocketAddr, questions: &[Vec<u8>], shape: Shape, connections: usize) -> Result<Outcome, String> {
    let broken = |error: std::io::Error| format!("the load over TCP: {error}");
    let mut lines = Vec::new();
    for number in 0..connections {
        let stream = TcpStream::connect(to).map_err(broken)?;
        stream.set_nodelay(true).map_err(broken)?;
        stream.set_nonblocking(true).map_err(broken)?;
        lines.push(Line { stream, next: number, sent: VecDeque::new(), out: Vec::new(), bytes: Vec::new() });
    }
    let mut outcome = Outcome::default();
    let started = Instant::now();
    while outcome.answers < shape.answers && started.elapsed() < shape.span {
        for line in &mut lines {
            line.fill(questions, shape.window / connections, connections).map_err(broken)?;
        }
        let mut files: Vec<PollFd<'_>> =
            lines.iter().map(|line| PollFd::from_borrowed_fd(line.stream.as_fd(), PollFlags::IN)).collect();
        let ready =
            poll(&mut files, Some(&Timespec { tv_sec: 1, tv_nsec: 0 })).map_err(|error| broken(error.into()))?;
        if ready == 0 {
            return Err("the load over TCP: no answer within a second".to_owned());
        }
        let ready: Vec<bool> = files.iter().map(|file| !file.revents().is_empty()).collect();
        for (line, _) in lines.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
            line.hear(&mut outcome, shape.code).map_err(broken)?;
        }
    }
    Ok(outcome.end(started))
}

struct Line {
    stream: TcpStream,
    next: usize,
    sent: VecDeque<Instant>,
    out: Vec<u8>,
    bytes: Vec<u8>,
}

impl Line {
    fn fill(&mut self, questions: &[Vec<u8>], window: usize, step: usize) -> std::io::Result<()> {
        let now = Instant::now();
        while self.sent.len() < window {
            let question = &questions[self.next % questions.len()];
            self.out.extend(u16::try_from(question.len()).unwrap_or_default().to_be_bytes());
            self.out.extend(question);
            self.next += step;
            self.sent.push_back(now);
        }
        match self.stream.write(&self.out) {
            Ok(count) => drop(self.out.drain(..count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn hear(&mut self, outcome: &mut Outcome, code: u8) -> std::io::Result<()> {
        let mut bytes = [0; 16_384];
        match self.stream.read(&mut bytes) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => self.bytes.extend(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
        let (mut at, now) = (0, Instant::now());
        while let Some(size) = self.bytes.get(at..at + 2) {
            let end = at + 2 + usize::from(u16::from_be_bytes([size[0], size[1]]));
            let Some(message) = self.bytes.get(at + 2..end) else { break };
            // Blocked names are answered in order by all that are measured; else the latency is another one's.
            let took = self.sent.pop_front().map_or(f32::NAN, |sent| (now - sent).as_secs_f32());
            outcome.take(message, code, took);
            at = end;
        }
        self.bytes.drain(..at);
        Ok(())
    }
}
