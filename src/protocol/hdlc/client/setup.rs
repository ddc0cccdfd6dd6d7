//! Connecting and disconnecting: SNRM, UA, DISC, DM.

use std::time::Instant;

use super::{ClientEvent, HdlcClient, Phase, Turn};
use crate::model::template::HdlcParameters;
use crate::protocol::hdlc::transfer::Transfer;
use crate::protocol::hdlc::{Control, Frame, Parameters};
use crate::protocol::link::LinkError;

impl HdlcClient {
    pub(super) fn say_snrm(&mut self, now: Instant) {
        self.phase = Phase::Connecting;
        let info = match self.config.parameters {
            HdlcParameters::Omit => Vec::new(),
            HdlcParameters::Propose | HdlcParameters::Force => self.config.most.encode(),
        };
        let frame = self.frame(Control::Snrm { poll: true }, false, info);
        self.speak(vec![frame], now);
    }

    pub(super) fn say_disc(&mut self, then_connect: bool, now: Instant) {
        self.phase = Phase::Disconnecting { then_connect };
        let frame = self.frame(Control::Disc { poll: true }, false, Vec::new());
        self.speak(vec![frame], now);
    }

    pub(super) fn closed(&mut self, then_connect: bool, now: Instant) {
        self.silences = 0;
        self.phase = Phase::Disconnected;
        self.turn = Turn::Ours;
        if then_connect {
            self.say_snrm(now);
        } else {
            self.events.push_back(ClientEvent::Disconnected);
        }
    }

    pub(super) fn answer_to_snrm(&mut self, frame: &Frame, now: Instant) {
        match frame.control {
            Control::Ua { .. } => {
                let said = Parameters::decode(&frame.info).unwrap_or_default();
                let proposed = match self.config.parameters {
                    HdlcParameters::Omit => Parameters::default(),
                    HdlcParameters::Propose | HdlcParameters::Force => self.config.most,
                };
                let agreed = proposed.limited_by(said);
                self.transfer = Transfer::new(agreed, self.config.max_message);
                self.phase = Phase::Connected;
                self.turn = Turn::Ours;
                self.silences = 0;
                self.stalls = 0;
                self.events.push_back(ClientEvent::Connected(agreed));
            }
            Control::Dm { .. } | Control::Frmr { .. } => {
                if self.without_parameters() {
                    self.say_disc(true, now);
                } else if self.stalls == 0 {
                    // Left over from a session that broke off (`facts/dlms-quirks.md`, 13).
                    self.stalls = 1;
                    self.say_disc(true, now);
                } else {
                    self.fail(LinkError::Refused(format!("{} in answer to SNRM", frame.control.name())));
                }
            }
            _ => {}
        }
    }

    /// Falls back to an SNRM that proposes nothing; false where there is nothing to fall back from.
    pub(super) fn without_parameters(&mut self) -> bool {
        if self.config.parameters != HdlcParameters::Propose {
            return false;
        }
        self.config.parameters = HdlcParameters::Omit;
        self.events.push_back(ClientEvent::Remark("trying SNRM without parameters".to_owned()));
        true
    }
}
