//! Opening and closing an association (ISO/IEC 8650-1 in BER, Green Book 9.4.2).
//!
//! Reading is tolerant: parts in any order, unknown parts passed over, a wrong protocol version ignored, a part that
//! claims to be longer than what holds it cut there (`facts/dlms-quirks.md`, 25 to 30).

use crate::model::Secret;

use super::super::axdr::{Reader, put_octets};
use super::super::data::DataError;
use super::tag;

/// 2.16.756.5.8: the arc of the DLMS UA in front of context names (1) and mechanism names (2).
const ARC: [u8; 5] = [0x60, 0x85, 0x74, 0x05, 0x08];
const CONTEXT: u8 = 1;
const MECHANISM: u8 = 2;

/// The number of an authentication mechanism, as its name ends.
#[must_use]
pub const fn authentication_mechanism(auth: crate::model::Auth) -> u8 {
    use crate::model::Auth;
    match auth {
        Auth::None => 0,
        Auth::Low => 1,
        Auth::HighMd5 => 3,
        Auth::HighSha1 => 4,
        Auth::HighGmac => 5,
        Auth::HighSha256 => 6,
        Auth::HighEcdsa => 7,
    }
}

/// Application context name, by its last number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplicationContext(pub u8);

impl ApplicationContext {
    /// Logical names, no ciphering.
    pub const LOGICAL_NAMES: Self = Self(1);
    /// Short names, no ciphering.
    pub const SHORT_NAMES: Self = Self(2);
    /// Logical names with ciphering.
    pub const LOGICAL_NAMES_CIPHERED: Self = Self(3);
    /// Short names with ciphering.
    pub const SHORT_NAMES_CIPHERED: Self = Self(4);

    /// Whether ciphered APDUs may be used.
    #[must_use]
    pub const fn is_ciphered(self) -> bool {
        matches!(self.0, 3 | 4)
    }
}

/// AARQ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aarq {
    /// Application context.
    pub context: ApplicationContext,
    /// calling-AP-title: the client's system title.
    pub calling_title: Option<Vec<u8>>,
    /// calling-AE-invocation-identifier: a user number.
    pub user_id: Option<u8>,
    /// Number of the authentication mechanism; `None` asks for none.
    pub mechanism: Option<u8>,
    /// calling-authentication-value: the password or the challenge.
    pub authentication: Option<Secret>,
    /// The InitiateRequest, ciphered or not.
    pub user_information: Option<Vec<u8>>,
}

/// Association-result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssociateResult(pub u8);

impl AssociateResult {
    /// Accepted.
    pub const ACCEPTED: Self = Self(0);
    /// Rejected for good.
    pub const REJECTED_PERMANENT: Self = Self(1);
    /// Rejected for now.
    pub const REJECTED_TRANSIENT: Self = Self(2);
}

/// Associate-source-diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diagnostic {
    /// acse-service-user.
    User(u8),
    /// acse-service-provider.
    Provider(u8),
}

/// AARE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aare {
    /// Application context; absent in some refusals.
    pub context: Option<ApplicationContext>,
    /// Accepted or not.
    pub result: AssociateResult,
    /// Why not.
    pub diagnostic: Diagnostic,
    /// responding-AP-title: the meter's system title.
    pub responding_title: Option<Vec<u8>>,
    /// Number of the authentication mechanism; many meters leave it out.
    pub mechanism: Option<u8>,
    /// responding-authentication-value: the meter's challenge.
    pub authentication: Option<Secret>,
    /// The InitiateResponse or a ConfirmedServiceError, ciphered or not.
    pub user_information: Option<Vec<u8>>,
}

/// RLRQ and RLRE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// 0 normal, 1 urgent or not finished, 30 user defined.
    pub reason: Option<u8>,
    /// An InitiateRequest or -Response, ciphered or not.
    pub user_information: Option<Vec<u8>>,
}

/// One part: its tag and what is inside.
fn part<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8]), DataError> {
    let tag = reader.u8()?;
    let length = reader.length()?.min(reader.rest().len());
    Ok((tag, reader.take(length)?))
}

/// The parts inside an APDU whose tag was read.
fn parts<'a>(reader: &mut Reader<'a>) -> Result<Vec<(u8, &'a [u8])>, DataError> {
    let length = reader.length()?.min(reader.rest().len());
    let start = reader.offset();
    let mut inside = Reader::new(reader.take(length)?);
    let mut out = Vec::new();
    while !inside.is_empty() {
        out.push(part(&mut inside).map_err(|error| error.after(start))?);
    }
    Ok(out)
}

/// What the part inside a part holds, whatever its tag; the outer part itself where nothing is inside.
fn unwrapped(bytes: &[u8]) -> &[u8] {
    part(&mut Reader::new(bytes)).map_or(bytes, |(_, inside)| inside)
}

/// The last number of a name below the arc, where it is one.
fn name(bytes: &[u8], branch: u8) -> Option<u8> {
    let (number, front) = bytes.split_last()?;
    let (found, arc) = front.split_last()?;
    (*found == branch && arc.ends_with(&ARC)).then_some(*number)
}

fn small(bytes: &[u8]) -> Option<u8> {
    unwrapped(bytes).last().copied()
}

fn put_part(out: &mut Vec<u8>, tag: u8, inside: &[u8]) {
    out.push(tag);
    put_octets(out, inside);
}

/// A part that holds one other part.
fn put_nested(out: &mut Vec<u8>, outer: u8, inner: u8, bytes: &[u8]) {
    let mut inside = Vec::new();
    put_part(&mut inside, inner, bytes);
    put_part(out, outer, &inside);
}

fn name_bytes(branch: u8, number: u8) -> Vec<u8> {
    let mut out = ARC.to_vec();
    out.extend([branch, number]);
    out
}

impl Aarq {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let mut context = None;
        let mut out = Self {
            context: ApplicationContext(0),
            calling_title: None,
            user_id: None,
            mechanism: None,
            authentication: None,
            user_information: None,
        };
        for (tag, inside) in parts(reader)? {
            match tag {
                0xA1 => context = name(unwrapped(inside), CONTEXT).map(ApplicationContext),
                0xA6 => out.calling_title = Some(unwrapped(inside).to_vec()),
                0xA9 => out.user_id = small(inside),
                0x8B => out.mechanism = name(inside, MECHANISM),
                0xAC => out.authentication = Some(Secret::new(unwrapped(inside).to_vec())),
                0xBE => out.user_information = Some(unwrapped(inside).to_vec()),
                _ => {}
            }
        }
        match context {
            Some(context) => Ok(Self { context, ..out }),
            None => reader.fail("the association request names no application context"),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut inside = Vec::new();
        put_nested(&mut inside, 0xA1, 0x06, &name_bytes(CONTEXT, self.context.0));
        if let Some(title) = &self.calling_title {
            put_nested(&mut inside, 0xA6, 0x04, title);
        }
        if let Some(user) = self.user_id {
            put_nested(&mut inside, 0xA9, 0x02, &[user]);
        }
        if let Some(mechanism) = self.mechanism {
            inside.extend([0x8A, 0x02, 0x07, 0x80]);
            put_part(&mut inside, 0x8B, &name_bytes(MECHANISM, mechanism));
        }
        if let Some(value) = &self.authentication {
            put_nested(&mut inside, 0xAC, 0x80, value.expose());
        }
        if let Some(information) = &self.user_information {
            put_nested(&mut inside, 0xBE, 0x04, information);
        }
        put_part(out, tag::AARQ, &inside);
    }
}

impl Aare {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let mut result = None;
        let mut out = Self {
            context: None,
            result: AssociateResult::ACCEPTED,
            diagnostic: Diagnostic::User(0),
            responding_title: None,
            mechanism: None,
            authentication: None,
            user_information: None,
        };
        for (tag, inside) in parts(reader)? {
            match tag {
                0xA1 => out.context = name(unwrapped(inside), CONTEXT).map(ApplicationContext),
                0xA2 => result = small(inside).map(AssociateResult),
                0xA3 => {
                    let (source, value) = part(&mut Reader::new(inside))?;
                    let number = small(value).unwrap_or(0);
                    out.diagnostic =
                        if source == 0xA2 { Diagnostic::Provider(number) } else { Diagnostic::User(number) };
                }
                0xA4 => out.responding_title = Some(unwrapped(inside).to_vec()),
                0x89 => out.mechanism = name(inside, MECHANISM),
                0xAA => out.authentication = Some(Secret::new(unwrapped(inside).to_vec())),
                0xBE => out.user_information = Some(unwrapped(inside).to_vec()),
                _ => {}
            }
        }
        match result {
            Some(result) => Ok(Self { result, ..out }),
            None => reader.fail("the answer to the association request gives no result"),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut inside = Vec::new();
        if let Some(context) = self.context {
            put_nested(&mut inside, 0xA1, 0x06, &name_bytes(CONTEXT, context.0));
        }
        put_nested(&mut inside, 0xA2, 0x02, &[self.result.0]);
        let (source, number) = match self.diagnostic {
            Diagnostic::User(number) => (0xA1, number),
            Diagnostic::Provider(number) => (0xA2, number),
        };
        let mut diagnostic = Vec::new();
        put_nested(&mut diagnostic, source, 0x02, &[number]);
        put_part(&mut inside, 0xA3, &diagnostic);
        if let Some(title) = &self.responding_title {
            put_nested(&mut inside, 0xA4, 0x04, title);
        }
        if let Some(mechanism) = self.mechanism {
            inside.extend([0x88, 0x02, 0x07, 0x80]);
            put_part(&mut inside, 0x89, &name_bytes(MECHANISM, mechanism));
        }
        if let Some(value) = &self.authentication {
            put_nested(&mut inside, 0xAA, 0x80, value.expose());
        }
        if let Some(information) = &self.user_information {
            put_nested(&mut inside, 0xBE, 0x04, information);
        }
        put_part(out, tag::AARE, &inside);
    }
}

impl Release {
    /// Reads whatever can be read: a goodbye is never worth an error.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let mut out = Self { reason: None, user_information: None };
        for (tag, inside) in parts(reader).unwrap_or_default() {
            match tag {
                0x80 => out.reason = inside.last().copied(),
                0xBE => out.user_information = Some(unwrapped(inside).to_vec()),
                _ => {}
            }
        }
        Ok(out)
    }

    pub(super) fn write(&self, tag: u8, out: &mut Vec<u8>) {
        let mut inside = Vec::new();
        if let Some(reason) = self.reason {
            put_part(&mut inside, 0x80, &[reason]);
        }
        if let Some(information) = &self.user_information {
            put_nested(&mut inside, 0xBE, 0x04, information);
        }
        put_part(out, tag, &inside);
    }
}
