//! How a primary station is set up.

use std::time::Duration;

use crate::model::ServerAddress;
use crate::model::template::{HdlcParameters, HdlcTuning, Timing};
use crate::protocol::hdlc::{HdlcAddress, MESSAGE_SLACK, Parameters};
use crate::protocol::link::LinkError;

/// Between the frames of one message some meters pause for three seconds (`facts/dlms-quirks.md`, 15).
const LEAST_INTER_FRAME: Duration = Duration::from_secs(4);

/// How a primary station is set up.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// This client's address.
    pub client: HdlcAddress,
    /// The meter's address.
    pub server: HdlcAddress,
    /// What this side can do.
    pub most: Parameters,
    /// Whether SNRM says so.
    pub parameters: HdlcParameters,
    /// Whether a DISC goes ahead of the SNRM.
    pub disconnect_first: bool,
    /// Longest wait for the first octet of an answer.
    pub response: Duration,
    /// Longest gap between the frames of one answer.
    pub inter_frame: Duration,
    /// Silence that ends a frame which has not come whole.
    pub inter_octet: Duration,
    /// Times a frame is sent again before the link is given up.
    pub retries: u32,
    /// Longest message taken, in octets.
    pub max_message: usize,
}

impl ClientConfig {
    /// From a template. `max_pdu` is the largest APDU that the client proposes; some octets more are taken.
    ///
    /// # Errors
    /// A client above 127 or a server part that does not fit: in words.
    pub fn new(
        client: u16,
        server: &ServerAddress,
        tuning: &HdlcTuning,
        timing: &Timing,
        max_pdu: u16,
    ) -> Result<Self, LinkError> {
        let millis = |value: u32| Duration::from_millis(u64::from(value));
        let (most, parameters) = match tuning.parameters {
            HdlcParameters::Omit => (Parameters::default(), HdlcParameters::Omit),
            asked => (Parameters::both_ways(tuning.info, tuning.window), asked),
        };
        // Saying the defaults changes nothing, and some meters refuse parameters.
        let silent = parameters == HdlcParameters::Propose && most == Parameters::default();
        Ok(Self {
            client: HdlcAddress::client(client).ok_or_else(|| {
                LinkError::Open(format!("client {client} does not fit an HDLC address: the highest is 127"))
            })?,
            server: HdlcAddress::server(server).ok_or_else(|| {
                LinkError::Open(format!("server address {server} does not fit an HDLC frame"))
            })?,
            most,
            parameters: if silent { HdlcParameters::Omit } else { parameters },
            disconnect_first: tuning.disconnect_first,
            response: millis(timing.response_ms),
            inter_frame: millis(timing.inter_frame_ms).max(LEAST_INTER_FRAME),
            inter_octet: millis(tuning.inter_octet_ms),
            retries: timing.frame_retries,
            max_message: usize::from(if max_pdu == 0 { u16::MAX } else { max_pdu }) + MESSAGE_SLACK,
        })
    }
}
