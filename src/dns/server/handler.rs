//! The slow path: whatever message may come, judged by hickory's parser and answered by its types.
//!
//! It knows all that the fast path knows, so that a test can show that both say the same.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use hickory_server::net::NetError;
use hickory_server::net::runtime::{Time, TokioTime};
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Edns, Header, HeaderCounts, MessageType, Metadata, OpCode, ResponseCode};
use hickory_server::proto::rr::rdata::opt::EdnsOption;
use hickory_server::proto::rr::rdata::{A, AAAA, PTR, SOA};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::proto::serialize::binary::{BinDecoder, BinEncoder};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::{MessageResponse, MessageResponseBuilder, Queries};

use super::thread::LARGEST;
use crate::dns::plan::Plan;
use crate::dns::policy::Action;
use crate::dns::question::{Question, read_any};
use crate::dns::wire;

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Judged {
    /// Nothing is said to it.
    Silence,
    /// This is said.
    Answer(Vec<u8>),
    /// Somebody else is asked this.
    Forward(Box<Question>),
}

/// Types that ask for more than a lookup.
pub fn is_no_lookup(kind: u16) -> bool {
    refusal(kind).is_some()
}

/// What is said to such a type.
fn refusal(kind: u16) -> Option<ResponseCode> {
    match kind {
        // Transfers of a zone.
        251 | 252 => Some(ResponseCode::Refused),
        // Keys to be agreed on; mailboxes as they were before MX.
        249 | 253 | 254 => Some(ResponseCode::NotImp),
        // Types of records that no name has: none, EDNS, a signature of the message.
        0 | 41 | 250 => Some(ResponseCode::FormErr),
        _ => None,
    }
}

/// Judges a message; above [`LARGEST`]: what is there of a longer one.
pub fn judge(message: &[u8], plan: Arc<Plan>, is_online: bool) -> Judged {
    let Some(header) = message.first_chunk::<12>().filter(|header| header[2] & 0x80 == 0) else {
        return Judged::Silence;
    };
    let is_query = header[2] & 0x78 == 0;
    let unread = if is_query { wire::FORMAT_ERROR } else { wire::NOT_IMPLEMENTED };
    let unread = || Judged::Answer(wire::bare(header, unread).to_vec());
    if message.len() > LARGEST {
        return unread();
    }
    // Where it came from does not count here.
    let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let Ok(request) = Request::from_bytes(message.to_vec(), nobody, Protocol::Tcp) else { return unread() };
    let handler = Handler { plan, is_online, forward: OnceLock::new() };
    let said = Said::default();
    {
        let handling = handler.handle_request::<_, TokioTime>(&request, said.clone());
        // It waits for nothing.
        let Poll::Ready(_) = pin!(handling).poll(&mut Context::from_waker(Waker::noop())) else { return unread() };
    }
    if let Some(question) = handler.forward.into_inner() {
        return Judged::Forward(Box::new(question));
    }
    let said = std::mem::take(&mut *said.0.lock().unwrap_or_else(PoisonError::into_inner));
    if said.is_empty() { unread() } else { Judged::Answer(said) }
}

/// Bytes instead of a socket.
#[derive(Clone, Debug, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

#[async_trait::async_trait]
impl ResponseHandler for Said {
    async fn send_response<'a>(
        &mut self,
        response: MessageResponse<
            '_,
            'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
        >,
    ) -> Result<ResponseInfo, NetError> {
        let mut bytes = Vec::with_capacity(512);
        let info = response.destructive_emit(&mut BinEncoder::new(&mut bytes))?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
        Ok(info)
    }
}

/// Answers one message.
#[derive(Debug)]
struct Handler {
    plan: Arc<Plan>,
    is_online: bool,
    /// Where it is to be forwarded.
    forward: OnceLock<Question>,
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut response: R) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.recursion_available = true;
        let mut edns = request.edns.as_ref().map(answering);
        let question = read_any(request.as_slice());
        let (code, answer) = match self.decide(request, question.as_ref()) {
            Decision::Said(code) => (code, None),
            Decision::Here(record) => (ResponseCode::NoError, record),
            Decision::Blocked => {
                if let Some(edns) = &mut edns {
                    // RFC 8914: blocked, and why.
                    let why = [&[0, 15], wire::REASON.as_bytes()].concat();
                    edns.options_mut().insert(EdnsOption::Unknown(15, why));
                }
                (ResponseCode::NXDomain, None)
            }
            Decision::Forward(question) => {
                let _ = self.forward.set(question);
                return info(metadata);
            }
        };
        metadata.response_code = code;
        let says_none = answer.is_none() && matches!(code, ResponseCode::NoError | ResponseCode::NXDomain);
        let nobody = says_none.then(authority);
        // A question that points elsewhere in its message would point elsewhere in ours.
        let none = Queries::read(&mut BinDecoder::new(&[]), 0);
        let queries = match &none {
            Ok(none) if question.is_none() => none,
            _ => &request.queries,
        };
        let message = MessageResponseBuilder::new(queries, edns.as_ref()).build(metadata, &answer, &nobody, [], []);
        // Without an answer, it is one that nobody can send.
        response.send_response(message).await.unwrap_or_else(|_| info(metadata))
    }
}

/// What is said to a message.
enum Decision {
    Said(ResponseCode),
    Blocked,
    Here(Option<Record>),
    Forward(Question),
}

impl Handler {
    fn decide(&self, request: &Request, question: Option<&Question>) -> Decision {
        if request.metadata.op_code != OpCode::Query {
            return Decision::Said(ResponseCode::NotImp);
        }
        // More than one question, or none: RFC 9619.
        let ([asked], Some(question)) = (request.queries.queries(), question) else {
            return Decision::Said(ResponseCode::FormErr);
        };
        if request.version() != 0 {
            return Decision::Said(ResponseCode::BADVERS);
        }
        if question.class != wire::INTERNET {
            return Decision::Said(ResponseCode::Refused);
        }
        if let Some(code) = refusal(question.kind) {
            return Decision::Said(code);
        }
        match self.plan.decide(question, self.is_online) {
            Action::Block => Decision::Blocked,
            Action::Empty => Decision::Here(None),
            Action::Localhost => Decision::Here(localhost(asked.original().name(), asked.query_type())),
            Action::Forward => Decision::Forward(*question),
        }
    }
}

/// The EDNS record that answers this one: nothing of it but the wish for signatures.
fn answering(asked: &Edns) -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(wire::SIZE).set_dnssec_ok(asked.flags().dnssec_ok);
    edns
}

/// Who says that there is none: the root, as there is nobody else.
fn authority() -> Record {
    let nobody = SOA::new(Name::root(), Name::root(), 1, 3600, 600, 86400, wire::TTL);
    Record::from_rdata(Name::root(), wire::TTL, RData::SOA(nobody))
}

/// A record of this node's, by any name of it or any address.
fn localhost(name: &Name, kind: RecordType) -> Option<Record> {
    let arpa = Name::from_labels([&b"arpa"[..]]).is_ok_and(|arpa| arpa.zone_of(name));
    let data = match (kind, arpa) {
        // Of several records one will do (RFC 8482, 4.1).
        (RecordType::A | RecordType::ANY, false) => RData::A(A(Ipv4Addr::LOCALHOST)),
        (RecordType::AAAA, false) => RData::AAAA(AAAA(Ipv6Addr::LOCALHOST)),
        (RecordType::PTR | RecordType::ANY, true) => RData::PTR(PTR(Name::from_labels([&b"localhost"[..]]).ok()?)),
        _ => return None,
    };
    Some(Record::from_rdata(name.clone(), wire::TTL, data))
}

fn info(mut metadata: Metadata) -> ResponseInfo {
    metadata.message_type = MessageType::Response;
    ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
}
