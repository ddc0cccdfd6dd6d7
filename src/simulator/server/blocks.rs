//! General block transfer (Green Book 9.4.2.2): windows, acknowledgements, and lost blocks sent again.

use crate::protocol::dlms::apdu::GeneralBlock;
use crate::protocol::dlms::{Apdu, Conformance};

use super::super::quirks::Quirk;
use super::{Refusal, Reply, Server};

/// Most octets that a client may send in blocks.
const MOST_GATHERED: usize = 1 << 20;
/// Blocks that the meter takes at once.
const OWN_WINDOW: u8 = 10;

/// A request that comes in blocks.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    bytes: Vec<u8>,
    last_number: u16,
}

/// An answer that goes out in blocks.
#[derive(Debug)]
pub(super) struct GeneralSender {
    blocks: Vec<Vec<u8>>,
    /// Blocks that the client acknowledged.
    acknowledged: usize,
    window: usize,
    /// Highest block of the request, for our own acknowledgement.
    heard: u16,
    /// Blocks that were dropped once already (a quirk).
    dropped: usize,
}

impl Server {
    /// Whether a long answer goes in general blocks rather than in those of its service.
    pub(super) fn prefers_general_blocks(&self) -> bool {
        let agreed = self
            .session
            .as_ref()
            .is_some_and(|session| session.conformance.contains(Conformance::GENERAL_BLOCK_TRANSFER));
        agreed && (self.quirks.has(Quirk::GbtUnasked) || self.gathered.is_some())
    }

    pub(super) fn goes_in_blocks(&self, answer: &[u8]) -> bool {
        let most = self.session.as_ref().map_or(usize::MAX, |session| session.client_max);
        self.prefers_general_blocks() && answer.len() > most
    }

    pub(super) fn general_block(&mut self, apdu: &[u8], now_ms: i64) -> Reply {
        let refuse = |refusal| match refusal {
            Refusal::Exception(exception) => Reply::one(Apdu::ExceptionResponse(exception).encode()),
            Refusal::Close => Reply { apdus: Vec::new(), close: true },
        };
        let Ok((Apdu::GeneralBlock(block), _)) = Apdu::decode(apdu) else {
            return refuse(Refusal::unknown());
        };
        let agreed = self
            .session
            .as_ref()
            .is_some_and(|session| session.conformance.contains(Conformance::GENERAL_BLOCK_TRANSFER));
        if !agreed {
            return refuse(Refusal::not_supported());
        }
        if self.sender.is_some() && block.raw.is_empty() {
            return self.go_on(&block);
        }
        self.gather(&block, now_ms)
    }

    /// Takes a block of a request; the last one is answered in blocks.
    fn gather(&mut self, block: &GeneralBlock, now_ms: i64) -> Reply {
        self.sender = None;
        let begins = block.number <= 1;
        let mut gathered = match self.gathered.take() {
            Some(gathered) if !begins => gathered,
            _ => Gathered::default(),
        };
        let next = gathered.last_number.wrapping_add(1);
        let fits = gathered.bytes.len().saturating_add(block.raw.len()) <= MOST_GATHERED;
        if block.number == next && fits {
            gathered.bytes.extend(&block.raw);
            gathered.last_number = next;
        }
        let (heard, complete) = (gathered.last_number, block.last && block.number == gathered.last_number);
        if !complete {
            self.gathered = Some(gathered);
            // The client goes on by itself until its window is used up.
            return if block.streaming { Reply::silence() } else { Reply::one(acknowledgement(heard)) };
        }
        let request = std::mem::take(&mut gathered.bytes);
        // Kept while the answer is made: it says that the client speaks in general blocks.
        self.gathered = Some(gathered);
        let answer = self.whole(&request, now_ms);
        self.gathered = None;
        match answer {
            Some(answer) => self.begin_blocks(&answer, block.window, heard),
            None => Reply::silence(),
        }
    }

    /// Cuts an answer into blocks and sends the first window of them.
    pub(super) fn begin_blocks(&mut self, answer: &[u8], window: u8, heard: u16) -> Reply {
        let most = self.session.as_ref().map_or(1024, |session| session.client_max);
        // Tag, control, two numbers, length.
        let size = most.saturating_sub(1 + 1 + 4 + 3).clamp(16, 65_000);
        let blocks = answer.chunks(size).map(<[u8]>::to_vec).collect();
        let window = usize::from(window.max(1));
        self.sender = Some(GeneralSender { blocks, acknowledged: 0, window, heard, dropped: 0 });
        self.send_window()
    }

    /// The client acknowledged some blocks, and may miss others.
    fn go_on(&mut self, block: &GeneralBlock) -> Reply {
        if let Some(sender) = &mut self.sender {
            sender.acknowledged = usize::from(block.acknowledged).min(sender.blocks.len());
            sender.window = usize::from(block.window.max(1));
            sender.heard = block.number;
            if sender.acknowledged == sender.blocks.len() {
                self.sender = None;
                return Reply::silence();
            }
        }
        self.send_window()
    }

    fn send_window(&mut self) -> Reply {
        let loses = self.quirks.has(Quirk::GbtLoses);
        let Some(sender) = &mut self.sender else { return Reply::silence() };
        let from = sender.acknowledged;
        let until = from.saturating_add(sender.window).min(sender.blocks.len());
        let total = sender.blocks.len();
        let mut reply = Reply::default();
        for (place, raw) in sender.blocks.iter().enumerate().take(until).skip(from) {
            let number = u16::try_from(place + 1).unwrap_or(u16::MAX);
            let last_of_window = place + 1 == until;
            // One that ends a window is not lost: the client could only wait.
            if loses && number % 2 == 0 && !last_of_window && place >= sender.dropped {
                sender.dropped = place + 1;
                continue;
            }
            let block = GeneralBlock {
                last: place + 1 == total,
                streaming: !last_of_window,
                window: OWN_WINDOW,
                number,
                acknowledged: sender.heard,
                raw: raw.clone(),
            };
            reply.apdus.push(Apdu::GeneralBlock(block).encode());
        }
        reply
    }
}

fn acknowledgement(heard: u16) -> Vec<u8> {
    Apdu::GeneralBlock(GeneralBlock {
        last: false,
        streaming: false,
        window: OWN_WINDOW,
        number: 1,
        acknowledged: heard,
        raw: Vec::new(),
    })
    .encode()
}
