//! What went wrong with a FLAG meter, in words: whose fault it was and what to try.

use crate::model::Fault;
use crate::protocol::elster_flag::{Answer, FlagError};
use crate::protocol::link::LinkError;

/// A failed line as a fault.
pub(super) fn line_fault(error: LinkError) -> Fault {
    match error {
        LinkError::Timeout { what, waited_ms } => {
            let advice = match what {
                "the sign-on" => {
                    "check the line, its speed and format (7e1), the outstation number, and the position of the probe"
                }
                "the connection request" => "check the host, the port and whether the meter is powered",
                _ => "check the line; on a slow one, give the template a longer response time",
            };
            Fault::line(format!("nothing answered {what} within {waited_ms} ms"), advice)
        }
        LinkError::Closed => Fault::line(
            "the other end closed the connection",
            "another program may hold the line; wait a minute and try again",
        ),
        LinkError::Open(text) => Fault::line(text, "check the line, and whether another program uses it"),
        LinkError::Io(text) => Fault::line(text, "check the cable, the probe or the network"),
        LinkError::Refused(text) => Fault::meter(
            format!("the meter refused the sign-on: {text}"),
            "check that the meter speaks IEC 62056-21 in programming mode; for DLMS choose a DLMS template",
        ),
        LinkError::Garbled(text) => Fault::line(
            format!("what came was garbled: {text}"),
            "check the speed, the character format and the position of the probe",
        ),
        LinkError::Cancelled => Fault::user("cancelled", ""),
    }
}

/// An error that the meter named, or an answer that fits no question.
pub(super) fn refusal(what: &str, answer: &Answer) -> Fault {
    match answer {
        Answer::Error(error) => {
            let (advice, passing) = match *error {
                FlagError::LOCKED => (
                    "give the meter's password with --secret password=…; another password may have more rights",
                    false,
                ),
                error if error.is_absence() => {
                    ("this model or firmware has no such table: another template may suit it", false)
                }
                FlagError::COMMUNICATION => ("try again", true),
                _ => ("look at the answer in the job's trace", false),
            };
            Fault::meter(format!("the meter refused {what} with {error}"), advice).passing(passing)
        }
        Answer::Nak => Fault::line(
            format!("the meter did not understand {what} (NAK), again and again"),
            "check the line for noise",
        ),
        Answer::Break => {
            Fault::meter(format!("the meter ended the session at {what}"), "try again").passing(true)
        }
        other => Fault::meter(
            format!("the meter's answer to {what} makes no sense: {other:?}"),
            "look at the answer in the job's trace; another template may suit this model",
        )
        .passing(true),
    }
}
