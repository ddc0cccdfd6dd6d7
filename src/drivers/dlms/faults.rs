//! What went wrong in a conversation, in words: whose fault it was and what to try.

use crate::model::Fault;
use crate::protocol::dlms::{DataAccessResult, DlmsError};
use crate::protocol::link::LinkError;

/// The meter is busy: asking later helps.
pub(super) const TEMPORARY_FAILURE: DataAccessResult = DataAccessResult(2);
/// The meter does not say why.
pub(super) const OTHER_REASON: DataAccessResult = DataAccessResult(250);
/// No result of the standard: the meter answered with an exception.
pub(super) const EXCEPTION: DataAccessResult = DataAccessResult(254);
/// No result of the standard: the meter answered with bytes that are no value.
pub(super) const SENSELESS: DataAccessResult = DataAccessResult(255);

/// A result in words.
pub(super) const fn words(result: DataAccessResult) -> &'static str {
    match result {
        EXCEPTION => "it answered with an exception",
        SENSELESS => "its answer makes no sense",
        result => result.words(),
    }
}

/// A failed conversation as a fault.
pub(super) fn fault(error: DlmsError) -> Fault {
    match error {
        DlmsError::Link(error) => link_fault(error),
        DlmsError::Refused { reason, advice, passing } => {
            Fault::meter(format!("the meter refused the association: {reason}"), advice).passing(passing)
        }
        DlmsError::Access { what, result } => refusal(&what, result),
        // Some meters answer so while they are busy or still hold an older session, and get over it.
        DlmsError::Exception(text) => Fault::meter(
            format!("the meter answered with an exception: {text}"),
            "wait a minute and try again; if it stays, try another client address or authentication",
        )
        .passing(true),
        // Asked again with the same keys, the meter counts one more attempt to break in.
        DlmsError::Undeciphered(text) => Fault::meter(
            format!("the meter could not decipher {text}"),
            "check the meter's encryption key, authentication key and security level, and that the template names \
             the object that holds its invocation counter",
        ),
        DlmsError::Protocol { reason, .. } => Fault::meter(
            format!("the meter's answer makes no sense: {reason}"),
            "look at the answer in the job's trace; a template with other settings may suit this model",
        )
        .passing(true),
        DlmsError::Security(text) => {
            Fault::user(text, "check the meter's encryption key, authentication key and security level")
        }
        DlmsError::Setting(text) => Fault::user(text, "edit the meter's settings"),
        DlmsError::Counter(error) => Fault {
            advice: "check that the store's disk is there and not full; where the counter is used up, \
                     give the meter new keys"
                .to_owned(),
            ..Fault::internal(error.to_string())
        },
    }
}

fn link_fault(error: LinkError) -> Fault {
    match error {
        LinkError::Timeout { what, waited_ms } => {
            let advice = match what {
                "SNRM" => {
                    "check the server address and its form (@1, @2 or @4 bytes), the speed, and whether the \
                     meter still holds an older session"
                }
                "the connection request" => "check the host, the port and whether the meter is powered",
                _ => {
                    "check the addresses; on a slow or shared medium, give the template a longer response time"
                }
            };
            Fault::line(format!("nothing answered {what} within {waited_ms} ms"), advice)
        }
        LinkError::Closed => Fault::line(
            "the other end closed the connection",
            "another program may hold the meter's only session; wait a minute and try again",
        ),
        LinkError::Open(text) => Fault::line(text, "check the line, and whether another program uses it"),
        LinkError::Io(text) => Fault::line(text, "check the cable, the probe or the network"),
        LinkError::Refused(text) => Fault::meter(
            format!("the meter refused the link: {text}"),
            "check the client and server addresses; an older session may still be open, so wait two minutes",
        )
        .passing(true),
        LinkError::Garbled(text) => Fault::line(
            format!("what came was garbled: {text}"),
            "check the speed, the character format and the position of the probe",
        ),
        LinkError::Cancelled => Fault::user("cancelled", ""),
    }
}

/// A refused attribute as a fault.
pub(super) fn refusal(what: &str, result: DataAccessResult) -> Fault {
    let advice = match result.0 {
        1 => "the meter reports a fault of its own: look at its error register",
        2 => "the meter is busy: try again later",
        3 | 13 => "this client may not read it: use an association with more rights",
        4 | 9 | 11 => "this model has no such object: read the object list to see what it has",
        12 => "the meter wants another form of request: see the template's `requests`",
        14..=16 => "the meter lost its place in a long answer: try again",
        254 | 255 => "look at the answer in the job's trace",
        _ => "the meter does not say why: read the object list, or try another association",
    };
    let passing = matches!(result.0, 2 | 14..=16) || result == SENSELESS;
    Fault::meter(format!("the meter refused {what}: {}", words(result)), advice).passing(passing)
}

/// A write or a method that was not done, as a fault. `what` is what was to be done: `setting the clock`.
pub(super) fn not_done(error: DlmsError, what: &str) -> Fault {
    match error {
        DlmsError::Access { result, .. } => refused_to_do(what, result),
        other => fault(other).during(what),
    }
}

/// What a meter refused to do, `setting the clock` for one, as a fault.
pub(super) fn refused_to_do(what: &str, result: DataAccessResult) -> Fault {
    let advice = match result.0 {
        1 => "the meter reports a fault of its own: look at its error register",
        2 => "the meter is busy: try again later",
        3 | 13 => "this client may not do it: use an association with more rights",
        4 | 9 | 11 => "this model has no such object or method: read the object list to see what it has",
        12 => "the meter wants the value in another type: look at the exchange in the job's trace",
        _ => "the meter does not say why: it may be locked against this, or want another association",
    };
    Fault::meter(format!("{what}: the meter refused: {}", words(result)), advice).passing(result.0 == 2)
}

/// Whether the meter has no such object or method.
pub(super) const fn is_missing(error: &DlmsError) -> bool {
    matches!(error, DlmsError::Access { result, .. } if matches!(result.0, 4 | 9 | 11))
}

/// Whether the same question will get the same answer tomorrow: the object or the right to read it is missing.
/// Hardware fault (1) and "other reason" (250) may be either.
pub(super) const fn is_lasting(result: DataAccessResult) -> bool {
    matches!(result.0, 3 | 4 | 9 | 11 | 12 | 13)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Blame;

    #[test]
    fn each_cause_is_blamed_on_the_right_party_and_says_what_to_try() {
        let cases = [
            (DlmsError::Link(LinkError::Timeout { what: "SNRM", waited_ms: 6000 }), Blame::Line, true),
            (DlmsError::Link(LinkError::Closed), Blame::Line, true),
            (DlmsError::Link(LinkError::Refused("DM".into())), Blame::Meter, true),
            (
                DlmsError::Refused {
                    reason: "wrong password".into(),
                    advice: "check the password",
                    passing: false,
                },
                Blame::Meter,
                false,
            ),
            (DlmsError::Access { what: "x".into(), result: DataAccessResult(3) }, Blame::Meter, false),
            (DlmsError::Access { what: "x".into(), result: DataAccessResult(2) }, Blame::Meter, true),
            (DlmsError::Undeciphered("the request: D8 02 05".into()), Blame::Meter, false),
            (DlmsError::Setting("the password is missing".into()), Blame::User, false),
            (DlmsError::Security("the tag does not match".into()), Blame::User, false),
        ];
        for (error, blame, passing) in cases {
            let text = error.to_string();
            let fault = fault(error);
            assert_eq!((fault.blame, fault.passing), (blame, passing), "{text}");
            assert!(!fault.advice.is_empty(), "{text}");
        }
    }

    #[test]
    fn cancelling_is_not_tried_again() {
        assert!(!fault(DlmsError::Link(LinkError::Cancelled)).passing);
    }

    #[test]
    fn a_broken_answer_does_not_carry_its_bytes_into_the_message() {
        let fault = fault(DlmsError::Protocol { reason: "offset 3: no tag".into(), raw: b"SECRET".to_vec() });
        assert!(!fault.to_string().contains("SECRET") && fault.message.contains("offset 3"));
    }
}
