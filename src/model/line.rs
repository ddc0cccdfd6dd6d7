//! Lines: where a meter hangs, as one text that people type and files keep (`command-line.md`, "A LINE").

use std::fmt;
use std::str::FromStr;

use super::text::words;

/// The port of DLMS over TCP and UDP (IEC 62056-47).
pub const DLMS_PORT: u16 = 4059;

/// Where a meter hangs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// The physical way.
    pub path: LinePath,
    /// Network id and address behind a concentrator, for the DLMS gateway prefix.
    pub gateway: Option<Gateway>,
    /// The shared medium behind it.
    pub medium: Medium,
}

/// The physical way to a meter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LinePath {
    /// A serial port.
    Serial(SerialLine),
    /// DLMS wrapper over TCP.
    Tcp(HostPort),
    /// HDLC through a terminal server.
    TcpHdlc(HostPort),
    /// IEC 62056-21 through a terminal server.
    TcpFlag(HostPort),
    /// DLMS wrapper over UDP.
    Udp(HostPort),
    /// An AT modem on a serial port.
    Modem {
        /// The modem's port.
        serial: SerialLine,
        /// The number to dial.
        dial: String,
        /// A command for the modem before it dials, without `AT`.
        init: Option<String>,
    },
}

/// A serial port and how to drive it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SerialLine {
    /// `/dev/ttyUSB0`, `COM5`.
    pub port: String,
    /// Speed in baud: the working speed, or the first one of an optical probe.
    pub baud: u32,
    /// Character format.
    pub format: SerialFormat,
    /// An optical probe: IEC 62056-21 sign-on first, then what the meter says.
    pub optical: bool,
    /// The probe or bus repeats what is sent: drop it.
    pub echo: bool,
    /// DTR after opening; `None` leaves it as the driver sets it.
    pub dtr: Option<bool>,
    /// RTS after opening.
    pub rts: Option<bool>,
}

words! {
    /// Character format of a serial line.
    SerialFormat: "a character format" {
        /// Eight data bits, no parity, one stop bit.
        Eight = "8n1",
        /// Seven data bits, even parity, one stop bit, by the port itself.
        SevenEven = "7e1",
        /// Seven data bits and even parity made here, over a port in 8N1 (converters, pseudo-terminals).
        SevenEvenSoft = "7e1-soft",
    }
}

/// A host with its port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// Name, IPv4, or IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// A meter behind a concentrator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gateway {
    /// Network id.
    pub network: u8,
    /// Physical device address: text as typed; hex with an `0x` prefix stands for bytes.
    pub address: String,
}

impl Gateway {
    /// The address as the bytes that the prefix carries.
    #[must_use]
    pub fn address_bytes(&self) -> Vec<u8> {
        let hex = self.address.strip_prefix("0x").unwrap_or_default();
        if hex.is_empty() || hex.len() % 2 == 1 {
            return self.address.clone().into_bytes();
        }
        (0..hex.len())
            .step_by(2)
            .map(|at| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect::<Option<Vec<u8>>>()
            .unwrap_or_else(|| self.address.clone().into_bytes())
    }
}

words! {
    /// A shared medium: sets limits, deadlines and retry habits.
    #[derive(Default)]
    Medium: "a medium" {
        /// A line of its own, or the Internet.
        #[default]
        Direct = "direct",
        /// Power-line carrier.
        Plc = "plc",
        /// Radio mesh.
        Mesh = "mesh",
    }
}

/// Why a text is not a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a line: {reason}; {hint}")]
pub struct LineError {
    /// What was given.
    pub text: String,
    /// What is wrong.
    pub reason: String,
    /// What to write.
    pub hint: &'static str,
}

const SCHEMES_HINT: &str = "write serial:PORT?baud=9600&format=8n1, serial:PORT?optical, tcp://host:port, tcp+hdlc://host:port, tcp+flag://host:port, udp://host:port or modem:PORT?dial=NUMBER";
const OPTIONS_HINT: &str = "after `?` come baud=N, format=8n1|7e1|7e1-soft, optical, echo, dtr=on|off, rts=on|off, dial=NUMBER, init=COMMAND and medium=plc|mesh, joined by `&`";
const HOST_HINT: &str = "write host:port, an IPv6 address in brackets, such as tcp://[fd00::1]:4059";
const GATEWAY_HINT: &str = "a gateway is #gateway=NETWORK/ADDRESS, such as #gateway=1/0x0A0B";

/// What went wrong, before the text is put beside it.
type Partial<T> = Result<T, (String, &'static str)>;

#[derive(Default)]
struct Options {
    baud: Option<u32>,
    format: Option<SerialFormat>,
    optical: bool,
    echo: bool,
    dtr: Option<bool>,
    rts: Option<bool>,
    dial: Option<String>,
    init: Option<String>,
    medium: Medium,
    gateway: Option<Gateway>,
}

fn on_off(key: &str, value: &str) -> Partial<bool> {
    match value {
        "on" | "1" | "true" => Ok(true),
        "off" | "0" | "false" => Ok(false),
        _ => Err((format!("{key} is `{value}`, neither on nor off"), OPTIONS_HINT)),
    }
}

fn options(text: &str) -> Partial<Options> {
    let mut options = Options::default();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        match key {
            "baud" => {
                let baud = value.parse().ok().filter(|baud| (50..=4_000_000).contains(baud));
                options.baud = Some(
                    baud.ok_or_else(|| (format!("baud is `{value}`, not 50 to 4000000"), OPTIONS_HINT))?,
                );
            }
            "format" => {
                let format = value.to_ascii_lowercase().parse();
                options.format =
                    Some(format.map_err(|_| (format!("format `{value}` is not known"), OPTIONS_HINT))?);
            }
            "optical" => options.optical = value.is_empty() || on_off(key, value)?,
            "echo" => options.echo = value.is_empty() || on_off(key, value)?,
            "dtr" => options.dtr = Some(on_off(key, value)?),
            "rts" => options.rts = Some(on_off(key, value)?),
            "dial" => options.dial = Some(value.to_owned()),
            "init" if value.bytes().all(|octet| octet.is_ascii_graphic()) && !value.is_empty() => {
                let bare = value.strip_prefix("AT").unwrap_or(value);
                options.init = Some(bare.to_owned());
            }
            "medium" => {
                options.medium =
                    value.parse().map_err(|_| (format!("medium `{value}` is not known"), OPTIONS_HINT))?;
            }
            "gateway" => options.gateway = Some(gateway(value)?),
            _ => return Err((format!("the option `{key}` is not known"), OPTIONS_HINT)),
        }
    }
    Ok(options)
}

fn gateway(text: &str) -> Partial<Gateway> {
    let fail = |why: &str| (format!("the gateway `{text}` {why}"), GATEWAY_HINT);
    let (network, address) = text.split_once('/').ok_or_else(|| fail("has no `/`"))?;
    let network = network.parse().map_err(|_| fail("has a network id that is not 0 to 255"))?;
    if address.is_empty() {
        return Err(fail("has no address"));
    }
    let gateway = Gateway { network, address: address.to_owned() };
    if gateway.address_bytes().len() > 255 {
        return Err(fail("has an address of more than 255 bytes"));
    }
    Ok(gateway)
}

fn host_port(text: &str, default: Option<u16>) -> Partial<HostPort> {
    let text = text.trim_end_matches('/');
    let (host, rest) = if let Some(rest) = text.strip_prefix('[') {
        rest.split_once(']').ok_or_else(|| ("a bracket is not closed".to_owned(), HOST_HINT))?
    } else {
        let split = text.find(':').unwrap_or(text.len());
        text.split_at(split)
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(port.parse().map_err(|_| (format!("`{port}` is not a port"), HOST_HINT))?),
        None if rest.is_empty() => default,
        None => return Err((format!("`{rest}` stands after the host"), HOST_HINT)),
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(("the host is missing".to_owned(), HOST_HINT));
    }
    let port = port.filter(|port| *port != 0).ok_or_else(|| ("the port is missing".to_owned(), HOST_HINT))?;
    Ok(HostPort { host: host.to_owned(), port })
}

fn serial(port: &str, options: &Options) -> Partial<SerialLine> {
    if port.is_empty() {
        return Err(("the port's name is missing".to_owned(), SCHEMES_HINT));
    }
    let (baud, format) =
        if options.optical { (300, SerialFormat::SevenEven) } else { (9600, SerialFormat::Eight) };
    Ok(SerialLine {
        port: port.to_owned(),
        baud: options.baud.unwrap_or(baud),
        format: options.format.unwrap_or(format),
        optical: options.optical,
        echo: options.echo,
        dtr: options.dtr,
        rts: options.rts,
    })
}

fn parse(text: &str) -> Partial<Line> {
    let (front, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (body, query) = match front.split_once('?') {
        Some((body, query)) => (body, query),
        // `tcp://host:port&medium=plc`: the contract lets options follow without a question mark.
        None => front.split_once('&').unwrap_or((front, "")),
    };
    // Options may follow the gateway too: `#gateway=1/2&medium=plc`.
    let options = options(&format!("{query}&{fragment}"))?;
    let path = if let Some(rest) = body.strip_prefix("tcp://") {
        LinePath::Tcp(host_port(rest, Some(DLMS_PORT))?)
    } else if let Some(rest) = body.strip_prefix("tcp+hdlc://") {
        LinePath::TcpHdlc(host_port(rest, None)?)
    } else if let Some(rest) = body.strip_prefix("tcp+flag://") {
        LinePath::TcpFlag(host_port(rest, None)?)
    } else if let Some(rest) = body.strip_prefix("udp://") {
        LinePath::Udp(host_port(rest, Some(DLMS_PORT))?)
    } else if let Some(port) = body.strip_prefix("serial:") {
        LinePath::Serial(serial(port, &options)?)
    } else if let Some(port) = body.strip_prefix("modem:") {
        let dial = options.dial.clone().filter(|dial| !dial.is_empty());
        LinePath::Modem {
            serial: serial(port, &options)?,
            dial: dial.ok_or_else(|| ("the number to dial is missing".to_owned(), SCHEMES_HINT))?,
            init: options.init.clone(),
        }
    } else {
        return Err(("it begins with no kind of line".to_owned(), SCHEMES_HINT));
    };
    let has_port = matches!(path, LinePath::Serial(_) | LinePath::Modem { .. });
    let serial_only = options.baud.is_some()
        || options.format.is_some()
        || options.optical
        || options.dtr.is_some()
        || options.rts.is_some();
    if serial_only && !has_port {
        return Err(("baud, format, optical, dtr and rts belong to serial ports".to_owned(), OPTIONS_HINT));
    }
    Ok(Line { path, gateway: options.gateway, medium: options.medium })
}

impl FromStr for Line {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        parse(text.trim()).map_err(|(reason, hint)| LineError { text: text.to_owned(), reason, hint })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}

impl SerialLine {
    fn options(&self) -> Vec<String> {
        let mut options = Vec::new();
        if self.optical {
            options.push("optical".to_owned());
        }
        let (baud, format) =
            if self.optical { (300, SerialFormat::SevenEven) } else { (0, SerialFormat::Eight) };
        if self.baud != baud {
            options.push(format!("baud={}", self.baud));
        }
        if !self.optical || self.format != format {
            options.push(format!("format={}", self.format.word()));
        }
        if self.echo {
            options.push("echo".to_owned());
        }
        for (name, value) in [("dtr", self.dtr), ("rts", self.rts)] {
            if let Some(value) = value {
                options.push(format!("{name}={}", if value { "on" } else { "off" }));
            }
        }
        options
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = Vec::new();
        match &self.path {
            LinePath::Serial(serial) => {
                write!(out, "serial:{}", serial.port)?;
                options = serial.options();
            }
            LinePath::Tcp(host) => write!(out, "tcp://{host}")?,
            LinePath::TcpHdlc(host) => write!(out, "tcp+hdlc://{host}")?,
            LinePath::TcpFlag(host) => write!(out, "tcp+flag://{host}")?,
            LinePath::Udp(host) => write!(out, "udp://{host}")?,
            LinePath::Modem { serial, dial, init } => {
                write!(out, "modem:{}", serial.port)?;
                options = serial.options();
                options.push(format!("dial={dial}"));
                options.extend(init.as_ref().map(|init| format!("init={init}")));
            }
        }
        if self.medium != Medium::Direct {
            options.push(format!("medium={}", self.medium.word()));
        }
        if !options.is_empty() {
            write!(out, "?{}", options.join("&"))?;
        }
        if let Some(gateway) = &self.gateway {
            write!(out, "#gateway={}/{}", gateway.network, gateway.address)?;
        }
        Ok(())
    }
}

super::text::serde_as_text!(Line);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_of_the_contract_is_read_and_written_back() {
        for text in [
            "serial:/dev/ttyUSB0?baud=9600&format=8n1",
            "serial:/dev/ttyUSB0?optical",
            "serial:COM5?baud=300&format=7e1&echo&dtr=on&rts=off",
            "tcp://meter.example:4059",
            "tcp+hdlc://10.0.0.1:4001",
            "tcp+flag://10.0.0.1:4001",
            "udp://[fd00::1]:4059",
            "modem:/dev/ttyS0?baud=9600&format=8n1&dial=0123456",
            "modem:/dev/ttyS0?baud=9600&format=8n1&dial=0123456&init=+CBST=71,0,1",
            "tcp://gw:4059?medium=plc#gateway=1/0x0A0B",
            "udp://gw:4059?medium=mesh#gateway=1/AB12",
        ] {
            let line: Line = text.parse().unwrap();
            assert_eq!(line.to_string(), text);
        }
    }

    #[test]
    fn the_wrapper_has_a_default_port_and_hdlc_has_none() {
        let line: Line = "tcp://meter".parse().unwrap();
        assert_eq!(line.path, LinePath::Tcp(HostPort { host: "meter".into(), port: 4059 }));
        assert!("tcp+hdlc://meter".parse::<Line>().is_err());
    }

    #[test]
    fn options_may_follow_the_gateway_or_stand_without_a_question_mark() {
        let one: Line = "tcp://gw:1#gateway=1/0x0A&medium=plc".parse().unwrap();
        let two: Line = "tcp://gw:1&medium=plc#gateway=1/0x0A".parse().unwrap();
        assert_eq!(one, two);
        assert_eq!(one.gateway.unwrap().address_bytes(), [0x0A]);
    }

    #[test]
    fn a_bad_line_says_what_is_wrong_and_what_to_write() {
        for (text, needle) in [
            ("meter:4059", "begins with no kind"),
            ("tcp://", "host is missing"),
            ("tcp://a:b", "not a port"),
            ("serial:", "name is missing"),
            ("serial:COM1?speed=9600", "speed"),
            ("tcp://a:1?baud=300", "serial ports"),
            ("tcp://a:1#gateway=7", "gateway"),
            ("modem:COM1", "dial"),
        ] {
            let error = text.parse::<Line>().unwrap_err().to_string();
            assert!(error.contains(needle), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_understood_is_written_so_that_it_means_the_same(
            text in "(tcp|tcp\\+hdlc|udp|tcp\\+flag)://[a-z0-9.]{1,12}:[1-9][0-9]{0,3}(\\?medium=(plc|mesh))?(#gateway=[0-9]/[a-z0-9]{1,8})?"
        ) {
            let line: Line = text.parse().unwrap();
            prop_assert_eq!(line.to_string().parse::<Line>().unwrap(), line);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(serial:|tcp://|udp://|modem:)?.{0,60}") {
            let _ = text.parse::<Line>();
        }
    }
}
