//! Changes of some of a meter's settings, and of what is known of its point, that leave all else as it is: what an
//! import and a change of many meters at once are made of.

use std::collections::BTreeMap;

use super::{
    Auth, Gateway, HostPort, Line, LinePath, Medium, MeterConfig, PointDetails, Ratio, RatioHistory,
    RatioPeriod, Security, SerialLine, ServerAddress, Side, SystemTitle,
};

/// Parts of a line. What is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinePatch {
    /// Another line altogether; the other parts are put into it.
    pub whole: Option<Line>,
    /// Host of a line over IP: name, IPv4, or IPv6 address without brackets.
    pub host: Option<String>,
    /// Port of a line over IP.
    pub ip_port: Option<u16>,
    /// Name of the serial port: `/dev/ttyUSB0`, `COM5`.
    pub serial_port: Option<String>,
    /// Speed of a serial port, in baud.
    pub baud: Option<u32>,
    /// The shared medium behind it.
    pub medium: Option<Medium>,
    /// Network id of the gateway in front of it.
    pub network: Option<u8>,
}

/// Settings of a meter. What is `None` stays; `Some(None)` takes a setting away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeterPatch {
    /// Name.
    pub name: Option<String>,
    /// Serial number.
    pub serial: Option<Option<String>>,
    /// Line.
    pub line: LinePatch,
    /// Template.
    pub template: Option<String>,
    /// Server address.
    pub address: Option<Option<ServerAddress>>,
    /// Client address.
    pub client: Option<Option<u16>>,
    /// This program's system title.
    pub client_title: Option<Option<SystemTitle>>,
    /// The meter's system title.
    pub server_title: Option<Option<SystemTitle>>,
    /// Authentication.
    pub auth: Option<Auth>,
    /// Protection.
    pub security: Option<Security>,
    /// Metering point: another name moves the meter there, or renames its own point.
    pub point: Option<Option<String>>,
    /// Group.
    pub group: Option<Option<String>>,
    /// Time zone.
    pub time_zone: Option<Option<String>>,
    /// Which side of the transformers its registers stand for.
    pub registers_in: Option<Side>,
    /// Free text.
    pub note: Option<String>,
    /// What is known of its point.
    pub about: PointPatch,
}

/// What is known of a metering point. What is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PointPatch {
    /// Where it is.
    pub location: Option<String>,
    /// The customer's reference.
    pub customer: Option<String>,
    /// Free text.
    pub notes: Option<String>,
    /// Links to photos.
    pub photos: Option<Vec<String>>,
    /// Fields of one's own, by name; nothing takes one away.
    pub fields: BTreeMap<String, Option<String>>,
    /// What the plate of the current transformers says.
    pub plate_ct: Option<Option<Ratio>>,
    /// What the plate of the voltage transformers says.
    pub plate_vt: Option<Option<Ratio>>,
    /// Its ratios.
    pub ratios: Option<RatioPatch>,
}

/// What becomes of the ratios of a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RatioPatch {
    /// These hold from their instants on; those that begin at others stay.
    Put(Vec<RatioPeriod>),
    /// All of them are taken away.
    Clear,
}

impl RatioPatch {
    /// The ratios as they are then.
    #[must_use]
    pub fn apply(&self, history: &RatioHistory) -> RatioHistory {
        match self {
            Self::Put(periods) => {
                periods.iter().fold(history.clone(), |history, period| history.with(period.clone()))
            }
            Self::Clear => RatioHistory::default(),
        }
    }
}

impl LinePatch {
    /// Puts the parts in their places.
    ///
    /// # Errors
    /// The line has no such part; it may have been changed in part then.
    pub fn apply(&self, line: &mut Line) -> Result<(), String> {
        if let Some(whole) = &self.whole {
            line.clone_from(whole);
        }
        let shown = line.to_string();
        let lacks = |what: &str| format!("the line {shown} has no {what}");
        if self.host.is_some() || self.ip_port.is_some() {
            let place = ip_end(&mut line.path).ok_or_else(|| lacks("host"))?;
            put(&mut place.host, self.host.as_ref());
            put(&mut place.port, self.ip_port.as_ref());
        }
        if self.serial_port.is_some() || self.baud.is_some() {
            let place = serial_end(&mut line.path).ok_or_else(|| lacks("serial port"))?;
            put(&mut place.port, self.serial_port.as_ref());
            put(&mut place.baud, self.baud.as_ref());
        }
        put(&mut line.medium, self.medium.as_ref());
        if let Some(network) = self.network {
            let Gateway { network: place, .. } = line.gateway.as_mut().ok_or_else(|| lacks("gateway"))?;
            *place = network;
        }
        Ok(())
    }
}

/// Host and port of a line over IP.
#[must_use]
pub fn ip_end(path: &mut LinePath) -> Option<&mut HostPort> {
    match path {
        LinePath::Tcp(end) | LinePath::TcpHdlc(end) | LinePath::TcpFlag(end) | LinePath::Udp(end) => {
            Some(end)
        }
        _ => None,
    }
}

/// The serial port of a line.
#[must_use]
pub fn serial_end(path: &mut LinePath) -> Option<&mut SerialLine> {
    match path {
        LinePath::Serial(serial) | LinePath::Modem { serial, .. } => Some(serial),
        _ => None,
    }
}

fn put<T: Clone>(place: &mut T, new: Option<&T>) {
    if let Some(new) = new {
        place.clone_from(new);
    }
}

impl MeterPatch {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Puts the settings in their places.
    ///
    /// # Errors
    /// The meter's line has not the part that is to be changed; the settings may be changed in part then.
    pub fn apply(&self, config: &mut MeterConfig) -> Result<(), String> {
        put(&mut config.name, self.name.as_ref());
        put(&mut config.serial, self.serial.as_ref());
        self.line.apply(&mut config.line)?;
        put(&mut config.template, self.template.as_ref());
        put(&mut config.address, self.address.as_ref());
        put(&mut config.client, self.client.as_ref());
        put(&mut config.client_title, self.client_title.as_ref());
        put(&mut config.server_title, self.server_title.as_ref());
        put(&mut config.auth, self.auth.as_ref());
        put(&mut config.security, self.security.as_ref());
        put(&mut config.point, self.point.as_ref());
        put(&mut config.group, self.group.as_ref());
        put(&mut config.time_zone, self.time_zone.as_ref());
        put(&mut config.registers_in, self.registers_in.as_ref());
        put(&mut config.note, self.note.as_ref());
        Ok(())
    }
}

impl PointPatch {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Puts what is known in its place; ratios have theirs beside it.
    pub fn apply(&self, details: &mut PointDetails) {
        put(&mut details.location, self.location.as_ref());
        put(&mut details.customer, self.customer.as_ref());
        put(&mut details.notes, self.notes.as_ref());
        put(&mut details.photos, self.photos.as_ref());
        for (name, value) in &self.fields {
            match value {
                Some(value) => drop(details.fields.insert(name.clone(), value.clone())),
                None => drop(details.fields.remove(name)),
            }
        }
        if self.plate_ct.is_some() || self.plate_vt.is_some() {
            let mut plate = details.plate.unwrap_or_default();
            put(&mut plate.ct, self.plate_ct.as_ref());
            put(&mut plate.vt, self.plate_vt.as_ref());
            details.plate = Some(plate).filter(|plate| plate.ct.is_some() || plate.vt.is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(line: &str) -> MeterConfig {
        let mut config = MeterConfig::new("A", line.parse().unwrap());
        (config.serial, config.group) = (Some("7".to_owned()), Some("North".to_owned()));
        config
    }

    #[test]
    fn what_is_not_named_stays() {
        let before = meter("tcp://a:4059");
        let mut after = before.clone();
        MeterPatch::default().apply(&mut after).unwrap();
        assert_eq!(after, before);
        let patch = MeterPatch { group: Some(None), client: Some(Some(3)), ..MeterPatch::default() };
        patch.apply(&mut after).unwrap();
        assert_eq!(after, MeterConfig { group: None, client: Some(3), ..before });
    }

    #[test]
    fn parts_of_a_line_are_changed_where_the_line_has_them() {
        let patch = LinePatch {
            host: Some("fd00::1".to_owned()),
            medium: Some(Medium::Plc),
            network: Some(2),
            ..LinePatch::default()
        };
        let mut line: Line = "tcp://a:4001#gateway=1/0x0A".parse().unwrap();
        patch.apply(&mut line).unwrap();
        assert_eq!(line.to_string(), "tcp://[fd00::1]:4001?medium=plc#gateway=2/0x0A");
        let mut serial: Line = "serial:COM5?baud=9600&format=8n1".parse().unwrap();
        assert!(patch.apply(&mut serial).unwrap_err().contains("has no host"));
        let faster = LinePatch { baud: Some(19_200), ..LinePatch::default() };
        faster.apply(&mut serial).unwrap();
        assert_eq!(serial.to_string(), "serial:COM5?baud=19200&format=8n1");
        assert!(faster.apply(&mut line).is_err());
    }

    #[test]
    fn a_field_and_a_nameplate_are_put_and_taken_away() {
        let mut details = PointDetails::default();
        let ratio: Ratio = "400/5".parse().unwrap();
        let mut patch = PointPatch { plate_ct: Some(Some(ratio)), ..PointPatch::default() };
        patch.fields.insert("EAN".to_owned(), Some("54".to_owned()));
        patch.apply(&mut details);
        assert_eq!((details.fields["EAN"].as_str(), details.plate.unwrap().ct), ("54", Some(ratio)));
        let mut patch = PointPatch { plate_ct: Some(None), ..PointPatch::default() };
        patch.fields.insert("EAN".to_owned(), None);
        patch.apply(&mut details);
        assert_eq!(details, PointDetails::default());
    }
}
