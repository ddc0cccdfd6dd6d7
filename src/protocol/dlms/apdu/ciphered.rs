//! The envelopes of ciphered APDUs (Green Book 9.2.7); what is inside is `security`'s affair.

use super::super::axdr::{Reader, put_octets};
use super::super::data::DataError;
use super::tag;

/// The security control byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityControl(pub u8);

impl SecurityControl {
    /// Authenticated.
    pub const AUTHENTICATED: u8 = 0x10;
    /// Encrypted.
    pub const ENCRYPTED: u8 = 0x20;
    /// Under the broadcast key.
    pub const BROADCAST: u8 = 0x40;
    /// Compressed.
    pub const COMPRESSED: u8 = 0x80;

    /// Security suite.
    #[must_use]
    pub const fn suite(self) -> u8 {
        self.0 & 0x0F
    }

    /// Whether a tag proves who sent it.
    #[must_use]
    pub const fn is_authenticated(self) -> bool {
        self.0 & Self::AUTHENTICATED != 0
    }

    /// Whether the contents are hidden.
    #[must_use]
    pub const fn is_encrypted(self) -> bool {
        self.0 & Self::ENCRYPTED != 0
    }
}

/// What is inside an envelope, still protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protected {
    /// How it is protected.
    pub control: SecurityControl,
    /// Invocation counter.
    pub counter: u32,
    /// The APDU, hidden or not, then the tag where there is one.
    pub payload: Vec<u8>,
}

/// Which key a service-specific envelope names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceKey {
    /// The meter's global key.
    Global,
    /// The association's own.
    Dedicated,
}

/// Which key a general envelope names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeneralKey {
    /// general-glo-ciphering.
    Global,
    /// general-ded-ciphering.
    Dedicated,
}

/// A ciphered APDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ciphered {
    /// glo-get-request and its kin.
    Service {
        /// The tag of the envelope.
        tag: u8,
        /// Inside.
        body: Protected,
    },
    /// general-glo-ciphering and general-ded-ciphering.
    General {
        /// Which key.
        key: GeneralKey,
        /// The sender's system title; some leave it out.
        title: Vec<u8>,
        /// Inside.
        body: Protected,
    },
    /// general-ciphering.
    GeneralCiphering {
        /// transaction-id.
        transaction: Vec<u8>,
        /// The sender's system title.
        originator: Vec<u8>,
        /// The receiver's system title.
        recipient: Vec<u8>,
        /// When it was made.
        stamp: Vec<u8>,
        /// other-information.
        other: Vec<u8>,
        /// 0 global unicast, 1 global broadcast; `None` where the key needs no naming. Wrapped and agreed keys are
        /// not spoken.
        key_id: Option<u8>,
        /// Inside.
        body: Protected,
    },
}

/// Tag of the plain APDU, of its global and of its dedicated envelope.
const SERVICES: [(u8, u8, u8); 10] = [
    (tag::INITIATE_REQUEST, 0x21, 0x41),
    (tag::INITIATE_RESPONSE, 0x28, 0x48),
    (tag::CONFIRMED_SERVICE_ERROR, 0x2E, 0x4E),
    (tag::GET_REQUEST, 0xC8, 0xD0),
    (tag::SET_REQUEST, 0xC9, 0xD1),
    (tag::EVENT_NOTIFICATION, 0xCA, 0xD2),
    (tag::ACTION_REQUEST, 0xCB, 0xD3),
    (tag::GET_RESPONSE, 0xCC, 0xD4),
    (tag::SET_RESPONSE, 0xCD, 0xD5),
    (tag::ACTION_RESPONSE, 0xCF, 0xD7),
];

impl ServiceKey {
    /// The envelope's tag for a plain APDU's; nothing where that service has no envelope of its own.
    #[must_use]
    pub fn envelope(self, plain: u8) -> Option<u8> {
        let found = SERVICES.iter().find(|(known, _, _)| *known == plain);
        found.map(|(_, global, dedicated)| match self {
            Self::Global => *global,
            Self::Dedicated => *dedicated,
        })
    }

    /// The key and the plain APDU's tag for an envelope's.
    #[must_use]
    pub fn of(envelope: u8) -> Option<(Self, u8)> {
        SERVICES.iter().find_map(|(plain, global, dedicated)| match envelope {
            _ if envelope == *global => Some((Self::Global, *plain)),
            _ if envelope == *dedicated => Some((Self::Dedicated, *plain)),
            _ => None,
        })
    }
}

impl Protected {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let start = reader.offset();
        let bytes = reader.octets()?;
        let mut inside = Reader::new(bytes);
        let mut read = || {
            Ok(Self {
                control: SecurityControl(inside.u8()?),
                counter: inside.u32()?,
                payload: inside.rest().to_vec(),
            })
        };
        read().map_err(|error: DataError| error.after(start))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut inside = Vec::with_capacity(self.payload.len() + 5);
        inside.push(self.control.0);
        inside.extend(self.counter.to_be_bytes());
        inside.extend(&self.payload);
        put_octets(out, &inside);
    }
}

impl Ciphered {
    /// Whether an APDU with this tag is an envelope.
    #[must_use]
    pub fn knows(first: u8) -> bool {
        let general = [tag::GENERAL_GLO_CIPHERING, tag::GENERAL_DED_CIPHERING, tag::GENERAL_CIPHERING];
        general.contains(&first) || ServiceKey::of(first).is_some()
    }

    /// Which key it names; nothing where its tag is no envelope's.
    #[must_use]
    pub fn key(&self) -> Option<ServiceKey> {
        match self {
            Self::Service { tag, .. } => ServiceKey::of(*tag).map(|(key, _)| key),
            Self::General { key: GeneralKey::Dedicated, .. } => Some(ServiceKey::Dedicated),
            Self::General { key: GeneralKey::Global, .. } | Self::GeneralCiphering { .. } => {
                Some(ServiceKey::Global)
            }
        }
    }

    /// What is inside.
    #[must_use]
    pub const fn body(&self) -> &Protected {
        match self {
            Self::Service { body, .. } | Self::General { body, .. } | Self::GeneralCiphering { body, .. } => {
                body
            }
        }
    }

    pub(super) fn read(first: u8, reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let general = |key, reader: &mut Reader<'_>| {
            Ok(Self::General { key, title: reader.octets()?.to_vec(), body: Protected::read(reader)? })
        };
        match first {
            tag::GENERAL_GLO_CIPHERING => general(GeneralKey::Global, reader),
            tag::GENERAL_DED_CIPHERING => general(GeneralKey::Dedicated, reader),
            tag::GENERAL_CIPHERING => Ok(Self::GeneralCiphering {
                transaction: reader.octets()?.to_vec(),
                originator: reader.octets()?.to_vec(),
                recipient: reader.octets()?.to_vec(),
                stamp: reader.octets()?.to_vec(),
                other: reader.octets()?.to_vec(),
                key_id: Self::read_key(reader)?,
                body: Protected::read(reader)?,
            }),
            tag => Ok(Self::Service { tag, body: Protected::read(reader)? }),
        }
    }

    fn read_key(reader: &mut Reader<'_>) -> Result<Option<u8>, DataError> {
        if !reader.present()? {
            return Ok(None);
        }
        match reader.u8()? {
            0 => reader.u8().map(Some),
            choice => reader.fail(format!("general ciphering with key choice {choice} is not spoken")),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Service { tag, .. } => out.push(*tag),
            Self::General { key, title, .. } => {
                out.push(match key {
                    GeneralKey::Global => tag::GENERAL_GLO_CIPHERING,
                    GeneralKey::Dedicated => tag::GENERAL_DED_CIPHERING,
                });
                put_octets(out, title);
            }
            Self::GeneralCiphering { transaction, originator, recipient, stamp, other, key_id, .. } => {
                out.push(tag::GENERAL_CIPHERING);
                for part in [transaction, originator, recipient, stamp, other] {
                    put_octets(out, part);
                }
                match key_id {
                    Some(id) => out.extend([1, 0, *id]),
                    None => out.push(0),
                }
            }
        }
        self.body().write(out);
    }
}
