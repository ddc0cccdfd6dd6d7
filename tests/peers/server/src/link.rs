//! What lies under the APDUs: the wrapper, or HDLC as a secondary station.
//!
//! The frames, their check sequences and the negotiation of parameters are the crate's. Windows are cut here: the crate's
//! own segmenter never gives the line away between two windows.

use std::error::Error;

use dlms_cosem_rs::codec::Encode;
use dlms_cosem_rs::transport::hdlc::{
    Address, Control, Found, Frame, Framer, LLC_REQUEST, LLC_RESPONSE, Parameters,
};
use dlms_cosem_rs::transport::wrapper::{StreamReassembler, Wpdu};

type Outcome<T> = Result<T, Box<dyn Error>>;
/// Answers an APDU with APDUs: one, or a window of general blocks.
type Answer<'a> = &'a mut dyn FnMut(&[u8]) -> Outcome<Vec<Vec<u8>>>;

/// One connection's link.
pub enum Link {
    /// The wrapper; octets that have arrived and are no whole message yet.
    Wrapper(Vec<u8>),
    /// HDLC.
    Hdlc(Box<Station>),
}

impl Link {
    /// The wrapper, or HDLC with the largest information field and window that the station takes and gives.
    pub fn new(hdlc: Option<(u16, u32)>) -> Self {
        match hdlc {
            None => Self::Wrapper(Vec::new()),
            Some((info, window)) => Self::Hdlc(Box::new(Station::new(info, window))),
        }
    }

    /// Takes octets from the line; gives those to put on it.
    pub fn receive(&mut self, octets: &[u8], answer: Answer<'_>) -> Outcome<Vec<u8>> {
        match self {
            Self::Wrapper(arrived) => {
                arrived.extend_from_slice(octets);
                let mut out = Vec::new();
                while let Some((wpdu, used)) = StreamReassembler::new(u16::MAX).next_pdu(arrived)? {
                    for reply in answer(wpdu.apdu)? {
                        Wpdu::new(wpdu.header.destination, wpdu.header.source, &reply)?.encode(&mut out)?;
                    }
                    arrived.drain(..used);
                }
                Ok(out)
            }
            Self::Hdlc(station) => station.receive(octets, answer),
        }
    }
}

/// A secondary station.
pub struct Station {
    arrived: Vec<u8>,
    own: Parameters,
    agreed: Parameters,
    /// Number of the next frame to send, and of the next one expected.
    send: u8,
    expect: u8,
    request: Vec<u8>,
    /// What is still to be sent of the answer.
    reply: Vec<u8>,
}

impl Station {
    fn new(info: u16, window: u32) -> Self {
        let own = Parameters { max_info_tx: info, max_info_rx: info, window_tx: window, window_rx: window };
        Self {
            arrived: Vec::new(),
            own,
            agreed: Parameters::DEFAULT,
            send: 0,
            expect: 0,
            request: Vec::new(),
            reply: Vec::new(),
        }
    }

    fn receive(&mut self, octets: &[u8], answer: Answer<'_>) -> Outcome<Vec<u8>> {
        self.arrived.extend_from_slice(octets);
        let mut out = Vec::new();
        loop {
            let arrived = std::mem::take(&mut self.arrived);
            match Framer::new().next_frame(&arrived)? {
                Found::Incomplete { discard } => {
                    self.arrived = arrived[discard..].to_vec();
                    return Ok(out);
                }
                Found::Frame { frame, consumed } => {
                    // A closing flag may open the next frame.
                    self.arrived = arrived[consumed..].to_vec();
                    self.take(&frame, answer, &mut out)?;
                }
            }
        }
    }

    fn take(&mut self, frame: &Frame<'_>, answer: Answer<'_>, out: &mut Vec<u8>) -> Outcome<()> {
        let (own, client) = (frame.destination, frame.source);
        match frame.control {
            Control::Snrm => {
                self.agreed = self.own.negotiate(Parameters::decode(frame.information)?);
                (self.send, self.expect) = (0, 0);
                self.request.clear();
                self.reply.clear();
                let mut information = Vec::new();
                self.agreed.encode(&mut information)?;
                put(client, own, Control::Ua, false, &information, out)
            }
            Control::Disc => put(client, own, Control::Ua, false, &[], out),
            Control::I { ns, pf, .. } if ns == self.expect => {
                self.expect = (self.expect + 1) % 8;
                self.request.extend_from_slice(frame.information);
                if !frame.segmented {
                    let request = std::mem::take(&mut self.request);
                    let apdu = request.strip_prefix(&LLC_REQUEST).ok_or("a request without LLC header")?;
                    self.reply = [&LLC_RESPONSE, answer(apdu)?.concat().as_slice()].concat();
                    return self.window(client, own, out);
                }
                if pf {
                    put(client, own, Control::Rr { nr: self.expect, pf: true }, false, &[], out)?;
                }
                Ok(())
            }
            Control::Rr { .. } => self.window(client, own, out),
            _ => Ok(()),
        }
    }

    /// The next frames of the answer; the last one gives the line away.
    fn window(&mut self, client: Address, own: Address, out: &mut Vec<u8>) -> Outcome<()> {
        let size = usize::from(self.agreed.max_info_tx);
        for left in (0..self.agreed.window_tx).rev() {
            let information: Vec<u8> = self.reply.drain(..size.min(self.reply.len())).collect();
            let segmented = !self.reply.is_empty();
            let pf = left == 0 || !segmented;
            let control = Control::I { ns: self.send, nr: self.expect, pf };
            self.send = (self.send + 1) % 8;
            put(client, own, control, segmented, &information, out)?;
            if !segmented {
                break;
            }
        }
        Ok(())
    }
}

fn put(
    destination: Address,
    source: Address,
    control: Control,
    segmented: bool,
    information: &[u8],
    out: &mut Vec<u8>,
) -> Outcome<()> {
    Frame { segmented, destination, source, control, information }.encode(out)?;
    Ok(())
}
