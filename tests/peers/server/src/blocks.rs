//! General block transfer with the crate's own sender and receiver.

use std::error::Error;

use dlms_cosem_rs::codec::Decode;
use dlms_cosem_rs::xdlms::{GbtAction, GbtReceiver, GbtSender, GeneralBlockTransfer};

type Outcome<T> = Result<T, Box<dyn Error>>;

const TAG: u8 = 0xE0;
/// Where the bit of streaming stands, and which it is.
const CONTROL: (usize, u8) = (1, 0x40);
/// Largest request.
const REQUEST: usize = 70_000;

/// The general blocks of one connection.
pub struct Blocks {
    size: usize,
    window: u8,
    sender: Option<GbtSender<'static>>,
    receiver: GbtReceiver<'static>,
}

impl Blocks {
    pub fn new(size: usize, window: u8) -> Self {
        // This process ends with the test that started it.
        let room = Box::leak(vec![0; REQUEST].into_boxed_slice());
        Self { size, window, sender: None, receiver: GbtReceiver::new(room) }
    }

    /// Answers what comes, in blocks where it is long; a block is an acknowledgement or a part of a request.
    pub fn answer(
        &mut self,
        apdu: &[u8],
        whole: &mut dyn FnMut(&[u8]) -> Outcome<Vec<u8>>,
    ) -> Outcome<Vec<Vec<u8>>> {
        let Some((&TAG, body)) = apdu.split_first() else {
            let reply = whole(apdu)?;
            return self.send(reply);
        };
        let block = GeneralBlockTransfer::from_bytes(body)?;
        if let Some(sender) = self.sender.as_mut().filter(|_| block.block_data.is_empty()) {
            sender.acknowledge(block.block_number_ack)?;
            return self.go_on();
        }
        match self.receiver.push(&block)? {
            GbtAction::Await => Ok(Vec::new()),
            GbtAction::Acknowledge => {
                let mut out = [0; 16];
                let length = self.receiver.acknowledgement(self.window, &mut out)?;
                Ok(vec![with_tag(&out[..length])])
            }
            GbtAction::Complete => {
                let reply = whole(self.receiver.apdu())?;
                self.receiver.reset();
                self.send(reply)
            }
        }
    }

    fn send(&mut self, reply: Vec<u8>) -> Outcome<Vec<Vec<u8>>> {
        if reply.len() <= self.size {
            return Ok(vec![reply]);
        }
        let reply = Box::leak(reply.into_boxed_slice());
        self.sender = Some(GbtSender::new(reply, self.size, self.window, self.window > 1)?);
        self.go_on()
    }

    /// The next window.
    fn go_on(&mut self) -> Outcome<Vec<Vec<u8>>> {
        let Some(sender) = &mut self.sender else { return Ok(Vec::new()) };
        let mut frames = Vec::new();
        let mut room = vec![0; self.size + 16];
        while let Some(length) = sender.next_block(&mut room)? {
            frames.push(with_tag(&room[..length]));
        }
        // The crate leaves the bit set in the block that ends a window, where the standard has it cleared: the client
        // has its turn then.
        if let Some(control) = frames.last_mut().and_then(|last| last.get_mut(CONTROL.0)) {
            *control &= !CONTROL.1;
        }
        if sender.is_done() {
            self.sender = None;
        }
        Ok(frames)
    }
}

/// The crate leaves the tag to whoever knows which APDU it is.
fn with_tag(body: &[u8]) -> Vec<u8> {
    [&[TAG], body].concat()
}
