//! General block transfer (Green Book 9.4.6.13): any APDU in numbered pieces, streamed in windows, with pieces that
//! were lost asked for again.

use std::fmt::Display;

use crate::protocol::link::{Link, LinkError};

use super::super::apdu::{Apdu, GeneralBlock, tag};
use super::DlmsError;
use super::session::{Session, senseless};

/// Largest APDU put together from blocks.
const TRANSFER_MAX_BYTES: usize = 16 << 20;
/// Blocks without progress before the meter is given up.
const IDLE_MAX: u32 = 128;
/// Blocks of one answer; 64 octets in each make 4 MiB.
const BLOCKS_MAX: u32 = 65_535;
/// Bytes of a block beside its piece.
const BLOCK_OVERHEAD: usize = 1 + 1 + 2 + 2 + 3;

/// Pieces in order. One that comes too early is dropped: the meter goes on from the last one acknowledged.
struct Gathered {
    bytes: Vec<u8>,
    /// Number of the piece that is due.
    due: u16,
    complete: bool,
    idle: u32,
}

impl Gathered {
    fn take(&mut self, block: &GeneralBlock) -> Result<(), &'static str> {
        if block.number != self.due {
            self.idle += 1;
            return if self.idle > IDLE_MAX {
                Err("blocks keep coming and none is the one that is due")
            } else {
                Ok(())
            };
        }
        if self.bytes.len() + block.raw.len() > TRANSFER_MAX_BYTES {
            return Err("the blocks make more than 16 MiB");
        }
        self.bytes.extend(&block.raw);
        self.complete = block.last;
        self.idle = 0;
        self.due = self.due.checked_add(1).ok_or("the block numbers ran out")?;
        Ok(())
    }
}

/// What the blocks of a service make together. The meter says where they end, but not as late as it likes.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) bytes: Vec<u8>,
    count: u32,
    idle: u32,
}

impl Collected {
    /// Takes the piece of the next block.
    pub(super) fn take(&mut self, piece: &[u8], what: &dyn Display) -> Result<(), DlmsError> {
        self.bytes.extend(piece);
        self.count += 1;
        self.idle = if piece.is_empty() { self.idle + 1 } else { 0 };
        let reason = if self.bytes.len() > TRANSFER_MAX_BYTES {
            "the blocks make more than 16 MiB"
        } else if self.idle > IDLE_MAX {
            "blocks keep coming and nothing is in them"
        } else if self.count > BLOCKS_MAX {
            "more than 65535 blocks came and none was the last"
        } else {
            return Ok(());
        };
        Err(DlmsError::Protocol { reason: format!("{what}: {reason}"), raw: Vec::new() })
    }
}

fn block_of(bytes: &[u8]) -> Result<Option<GeneralBlock>, DlmsError> {
    if bytes.first() != Some(&tag::GENERAL_BLOCK_TRANSFER) {
        return Ok(None);
    }
    match Apdu::decode(bytes).map_err(|error| senseless(&"a block of an answer", &error, bytes))? {
        (Apdu::GeneralBlock(block), _) => Ok(Some(block)),
        _ => Ok(None),
    }
}

impl<L: Link> Session<'_, L> {
    /// Puts the APDU together whose first block came; acknowledges each window and asks for what is missing.
    pub(super) async fn gather(&mut self, first: &[u8]) -> Result<Vec<u8>, DlmsError> {
        let Some(first) = block_of(first)? else { return Ok(first.to_vec()) };
        // The meter's acknowledgements of our own blocks were numbered too, or not: both are seen.
        let due = first.number.min(self.state.peer_block_number.saturating_add(1));
        self.state.peer_block_number = 0;
        let mut gathered = Gathered { bytes: Vec::new(), due, complete: false, idle: 0 };
        let mut next = Some(first);
        let mut silences = 0;
        loop {
            let window_ends = next.as_ref().is_none_or(|block| !block.streaming);
            if let Some(block) = next.take() {
                gathered.take(&block).map_err(|reason| DlmsError::Protocol {
                    reason: format!("general block transfer: {reason}"),
                    raw: block.raw,
                })?;
            }
            if gathered.complete {
                return Ok(gathered.bytes);
            }
            if window_ends {
                self.acknowledge(gathered.due.saturating_sub(1)).await?;
            }
            next = match self.link.receive(self.state.wait).await {
                Ok(bytes) => match block_of(&bytes)? {
                    Some(block) => Some(block),
                    None => return self.interrupted(bytes),
                },
                Err(LinkError::Timeout { .. }) if silences < self.state.retries => {
                    silences += 1;
                    None
                }
                Err(error) => return Err(error.into()),
            };
        }
    }

    /// What came instead of a block ends the transfer: an exception, or the answer in one piece after all.
    fn interrupted(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, DlmsError> {
        self.state.remark("the meter broke off a general block transfer");
        Ok(bytes)
    }

    async fn acknowledge(&mut self, acknowledged: u16) -> Result<(), DlmsError> {
        self.state.block_number = self.state.block_number.saturating_add(1);
        let block = GeneralBlock {
            last: true,
            streaming: false,
            window: self.state.block_window.unwrap_or(1),
            number: self.state.block_number,
            acknowledged,
            raw: Vec::new(),
        };
        Ok(self.link.send(&Apdu::GeneralBlock(block).encode()).await?)
    }

    /// Sends an APDU in blocks no longer than `max`, in windows as the meter grants them.
    pub(super) async fn send_blocks(
        &mut self,
        bytes: &[u8],
        max: usize,
        window: u8,
    ) -> Result<(), DlmsError> {
        let pieces: Vec<&[u8]> = bytes.chunks(max.saturating_sub(BLOCK_OVERHEAD).max(1)).collect();
        let Ok(count) = u16::try_from(pieces.len()) else {
            return Err(DlmsError::Setting("the request needs more blocks than can be numbered".to_owned()));
        };
        let mut granted = 1usize;
        let mut sent = 0usize;
        let mut silences = 0;
        loop {
            let burst = pieces.iter().enumerate().skip(sent).take(granted);
            let end = (sent + granted).min(pieces.len());
            for (at, piece) in burst {
                let block = GeneralBlock {
                    last: at + 1 == pieces.len(),
                    streaming: at + 1 < end,
                    window,
                    // At most `count`, which fits.
                    number: at as u16 + 1,
                    acknowledged: 0,
                    raw: piece.to_vec(),
                };
                self.link.send(&Apdu::GeneralBlock(block).encode()).await?;
            }
            self.state.block_number = count;
            let answer = match self.link.receive(self.state.wait).await {
                Ok(answer) => answer,
                Err(LinkError::Timeout { .. }) if silences < self.state.retries => {
                    silences += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            match block_of(&answer)? {
                Some(block) if block.raw.is_empty() => {
                    self.state.peer_block_number = block.number;
                    granted = usize::from(block.window.max(1));
                    // What was taken once stays taken: a meter that takes it back would have us send for ever.
                    let taken = usize::from(block.acknowledged).clamp(sent, pieces.len());
                    silences = if taken > sent { 0 } else { silences + 1 };
                    sent = taken;
                    if sent == pieces.len() {
                        return Ok(());
                    }
                    if silences > self.state.retries {
                        return Err(DlmsError::Protocol {
                            reason: "general block transfer: the meter takes no further block".to_owned(),
                            raw: answer,
                        });
                    }
                }
                // The answer itself: it says that everything arrived, or why not.
                _ => {
                    self.state.pending = Some(answer);
                    return Ok(());
                }
            }
        }
    }
}
