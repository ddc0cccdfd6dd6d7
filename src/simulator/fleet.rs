//! A fleet of virtual meters on a thread of its own.

use std::fmt;
use std::net::{SocketAddr, TcpListener as StdListener, UdpSocket as StdUdpSocket};

use std::thread::JoinHandle;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::model::template::Family;
use crate::model::{
    Auth, Catalogue, Gateway, Line, MeterConfig, MeterSecrets, Secret, Security, ServerAddress, Side,
};

use super::emulator::{Carrier, LineEmulator};
use super::faults::Faults;
use super::flag::{FlagMeter, FlagStation, Model, SharedFlag};
use super::lines::{FIRST_PHYSICAL, Lines, NETWORK};
use super::load::Premises;
use super::meter::VirtualMeter;
use super::modem::{Callee, Modem, Subscriber};
use super::net;
use super::port::{Household, Port};
use super::quirks::Quirk;
use super::server::SharedMeter;
use super::settings::Settings;
use super::world::{TrueTime, World};
use super::{
    AUTHENTICATION_KEY, CLIENT_TITLE, ENCRYPTION_KEY, FleetOptions, Framing, PASSWORD, SimulatedMeter,
};
use crate::transport::allow_open_files;

/// Most meters of a fleet: as many as there are ports to listen on.
const MOST_METERS: u32 = 50_000;

/// A running fleet; dropping it stops it.
pub struct Fleet {
    meters: Vec<SimulatedMeter>,
    inside: Vec<SharedMeter>,
    elster: Vec<SharedFlag>,
    time: TrueTime,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Fleet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Fleet({} meters)", self.meters.len())
    }
}

/// A place where a meter waits for its clients.
pub(super) enum Berth {
    /// A listening socket.
    Socket(StdListener),
    /// A socket for datagrams.
    Datagrams(StdUdpSocket),
    /// A pseudo-terminal.
    #[cfg(unix)]
    Pty(net::Pty),
}

/// One meter at a station.
pub(super) struct Housed {
    pub(super) meter: SharedMeter,
    /// The same meter as an Elster meter, where it is one.
    pub(super) flag: Option<SharedFlag>,
    /// The number on its plate, which is that of its telephone.
    pub(super) number: String,
    /// Its station's address on a bus.
    pub(super) address: ServerAddress,
    /// Its address behind a concentrator.
    pub(super) behind: Vec<u8>,
    pub(super) dead: bool,
}

/// The meters on one line, and where it ends.
pub(super) struct Station {
    pub(super) meters: Vec<Housed>,
    pub(super) framing: Framing,
    pub(super) faults: Faults,
    pub(super) lines: Lines,
    pub(super) seed: u64,
}

impl Station {
    /// The line of a new connection; each has fates of its own.
    fn line(&self, connection: u64) -> LineEmulator {
        let carrier = match self.framing {
            Framing::Wrapper => Carrier::Stream,
            Framing::Hdlc | Framing::Pty | Framing::Flag | Framing::Modem => Carrier::Frames,
            Framing::Udp => Carrier::Datagrams,
        };
        LineEmulator::new(self.faults, carrier, self.seed ^ connection.rotate_left(17))
    }

    /// Connections at a time.
    pub(super) fn most_connections(&self) -> usize {
        if self.is_concentrator() { self.lines.gateway_sessions.into() } else { MOST_CONNECTIONS }
    }

    fn is_concentrator(&self) -> bool {
        self.lines.meters_per_line > 1 && matches!(self.framing, Framing::Wrapper | Framing::Udp)
    }

    /// The ends of a new connection: one for each meter of a bus.
    pub(super) fn ports(&self, connection: u64) -> Vec<Port> {
        let hdlc = |housed: &Housed| {
            let number = u64::from(housed.address.physical.unwrap_or(0));
            Port::hdlc(housed.meter.clone(), housed.address, self.line(connection ^ number << 40))
        };
        let is_alone = self.meters.len() == 1;
        let end = |housed: &Housed| match &housed.flag {
            Some(flag) => {
                let number = u64::from(super::flag::lock(flag).outstation);
                Port::flag(FlagStation::new(flag.clone(), is_alone), self.line(connection ^ number << 40))
            }
            None => hdlc(housed),
        };
        let living = || self.meters.iter().filter(|housed| !housed.dead);
        match self.framing {
            Framing::Hdlc | Framing::Pty | Framing::Flag => living().map(end).collect(),
            Framing::Modem => {
                let subscriber = |housed: &Housed| Subscriber {
                    number: housed.number.clone(),
                    callee: match &housed.flag {
                        Some(flag) => Callee::Flag(flag.clone()),
                        None => Callee::Hdlc(housed.meter.clone(), housed.address),
                    },
                };
                let modem = Modem::new(living().map(subscriber).collect(), self.line(connection));
                vec![Port::modem(modem, self.line(connection))]
            }
            Framing::Wrapper | Framing::Udp => {
                let Some(house) = self.house() else { return Vec::new() };
                let line = self.line(connection);
                vec![if self.framing == Framing::Udp {
                    Port::datagrams(house, line)
                } else {
                    Port::wrapper(house, line)
                }]
            }
        }
    }

    /// Who is asked here; nobody where the only meter is dead.
    fn house(&self) -> Option<Household> {
        if self.is_concentrator() {
            let all = self.meters.iter().map(|one| (one.behind.clone(), one.meter.clone(), one.dead));
            return Some(Household::Behind(all.collect::<Vec<_>>().into()));
        }
        let alive = self.meters.iter().find(|housed| !housed.dead);
        alive.map(|housed| Household::Meter(housed.meter.clone()))
    }
}

/// Connections that one meter holds at a time; a further one is closed at once.
const MOST_CONNECTIONS: usize = 16;

impl Fleet {
    /// Starts the meters on a thread of their own, in the usual world.
    ///
    /// # Errors
    /// A socket cannot be opened, or the template or a fault is not known, in words.
    pub fn start(options: &FleetOptions) -> Result<Self, String> {
        Self::start_in(options, &World::default())
    }

    /// Starts the meters in a world.
    ///
    /// # Errors
    /// As [`Fleet::start`]; or the world's time zone is not known, or its capture period does not divide an hour.
    pub fn start_in(options: &FleetOptions, world: &World) -> Result<Self, String> {
        Self::start_on(options, world, &Lines::default())
    }

    /// Starts the meters in a world, on lines that they share.
    ///
    /// # Errors
    /// As [`Fleet::start_in`]; or there is no room for so many meters on a line.
    pub fn start_on(options: &FleetOptions, world: &World, lines: &Lines) -> Result<Self, String> {
        let options = &spoken(options, elster_model(&options.template, &world.templates)?)?;
        let time = TrueTime::new(world.clock);
        let mut berths = Vec::new();
        let population = populate(options, world, lines, (&time, 1), &mut |place| {
            if place == 0 && options.meters > FEW {
                raise_descriptors(options.meters.div_ceil(lines.meters_per_line.into()))?;
            }
            let berth = berth(options, place)?;
            let line = berth.line(options.framing)?;
            berths.push(berth);
            Ok(line)
        })?;
        let Population { meters, inside, elster, stations } = population;
        let (stop, stopped) = watch::channel(false);
        let thread = net::run(stations.into_iter().zip(berths).collect(), time.clone(), stopped)?;
        Ok(Self { meters, inside, elster, time, stop, thread: Some(thread) })
    }

    /// The meters, as this program would be told of them.
    #[must_use]
    pub fn meters(&self) -> &[SimulatedMeter] {
        &self.meters
    }

    /// The meter at a place of [`Fleet::meters`] from the inside: its record, and any attribute of its objects, for
    /// those who compare what was read with what is.
    #[must_use]
    pub fn meter(&self, place: usize) -> Option<&SharedMeter> {
        self.inside.get(place)
    }

    /// The Elster meter at a place of [`Fleet::meters`] from the inside; nothing in a fleet of another family.
    #[must_use]
    pub fn elster(&self, place: usize) -> Option<&SharedFlag> {
        self.elster.get(place)
    }

    /// The true time of the simulation in milliseconds of Unix time.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.time.now_ms()
    }

    /// Puts a standing simulation clock to an instant; another one goes as it goes.
    pub fn set_time(&self, at: Timestamp) {
        self.time.set(at);
    }
}

/// The meters of a fleet, wherever they are to be found.
pub(super) struct Population {
    pub(super) meters: Vec<SimulatedMeter>,
    pub(super) inside: Vec<SharedMeter>,
    pub(super) elster: Vec<SharedFlag>,
    pub(super) stations: Vec<Station>,
}

/// Makes the meters of a fleet from a number on, at a time. `line` gives the text of the line to each place.
///
/// # Errors
/// What was asked for cannot be, in words.
pub(super) fn populate(
    options: &FleetOptions,
    world: &World,
    lines: &Lines,
    (time, first): (&TrueTime, u32),
    line: &mut dyn FnMut(u32) -> Result<String, String>,
) -> Result<Population, String> {
    let faults = Faults::parse(&options.faults)?;
    let model = elster_model(&options.template, &world.templates)?;
    let options = &spoken(options, model)?;
    let zone = TimeZone::get(&world.time_zone)
        .map_err(|error| format!("the time zone `{}`: {error}", world.time_zone))?;
    if !(60..=3600).contains(&world.period) || 3600 % world.period != 0 {
        return Err(format!("a capture period of {} seconds does not divide an hour", world.period));
    }
    if options.meters > MOST_METERS {
        return Err(format!("{} meters are more than {MOST_METERS}", options.meters));
    }
    if !(1..=MOST_ON_A_LINE).contains(&lines.meters_per_line) {
        return Err(format!("{} meters on a line: 1 to {MOST_ON_A_LINE} have room", lines.meters_per_line));
    }
    let began = Timestamp::from_millisecond(time.now_ms()).map_err(|error| error.to_string())?;
    let (mut meters, mut inside, mut elster) = (Vec::new(), Vec::new(), Vec::new());
    // All meters of a fleet hang behind its one modem.
    let is_modem = options.framing == Framing::Modem;
    let per_line = if is_modem { options.meters.max(1) } else { lines.meters_per_line.into() };
    let mut stations: Vec<Station> = Vec::new();
    let mut text = String::new();
    for place in 0..options.meters {
        let number = first.saturating_add(place);
        let mut settings = world.settings(number, options.seed, &zone, began, faults.of(number - 1));
        if let (Some(model), None) = (model, world.premises) {
            settings.premises = model.premises();
        }
        let seat = place % per_line;
        if seat == 0 {
            text = line(place / per_line)?;
            let (framing, lines, seed) = (options.framing, lines.clone(), settings.seed);
            stations.push(Station { meters: Vec::new(), framing, faults, lines, seed });
        }
        let Some(station) = stations.last_mut() else { continue };
        let seat = u16::try_from(seat).unwrap_or(u16::MAX);
        let plate = settings.serial();
        let own_text = if is_modem { format!("{text}{plate}") } else { text.clone() };
        let mut described = describe(options, world, &settings, &own_text);
        let meter = SharedMeter::new(VirtualMeter::new(settings).into());
        let outstation = seat.saturating_add(1);
        let flag = model.map(|model| {
            as_elster(&mut described);
            SharedFlag::new(FlagMeter::new(meter.clone(), model, outstation).into())
        });
        elster.extend(flag.clone());
        let mut housed = Housed {
            meter,
            flag,
            number: plate,
            address: ServerAddress::MANAGEMENT,
            behind: Vec::new(),
            dead: faults.is_dead(number - 1),
        };
        if station.is_concentrator() {
            let address = format!("0x{:04X}", seat + 1);
            let gateway = Gateway { network: NETWORK, address };
            housed.behind = gateway.address_bytes();
            described.config.line.gateway = Some(gateway);
        } else if per_line > 1 && model.is_some() && !is_modem {
            let address = ServerAddress { logical: outstation, physical: None, bytes: None };
            described.config.address = Some(address);
        } else if lines.meters_per_line > 1 && !is_modem {
            housed.address.physical = Some(FIRST_PHYSICAL + seat);
            described.config.address = Some(housed.address);
        }
        inside.push(housed.meter.clone());
        station.meters.push(housed);
        meters.push(described);
    }
    Ok(Population { meters, inside, elster, stations })
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // Nobody listens any more where the thread ended by itself.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            // A panic over there was reported there.
            let _ = thread.join();
        }
    }
}

/// Most meters on one line: what a bus has addresses for in one octet.
const MOST_ON_A_LINE: u16 = 100;
/// A fleet that any process has room for.
const FEW: u32 = 100;
/// Descriptors that a fleet wants beside its sockets, connections to a tenth of its meters among them.
const SPARE_DESCRIPTORS: u64 = 256;

/// Lets this process open as many files as the fleet needs: a socket for each line, and connections on them.
fn raise_descriptors(lines: u32) -> Result<(), String> {
    let lines = u64::from(lines);
    let wanted = lines * 2 + SPARE_DESCRIPTORS;
    let most = allow_open_files(wanted);
    if most >= lines + lines / 10 + SPARE_DESCRIPTORS {
        return Ok(());
    }
    Err(format!(
        "{lines} lines need {wanted} open files and this account may have {most}: raise it with `ulimit -Hn {wanted}`, \
         or put several meters on a line with --per-line"
    ))
}

fn berth(options: &FleetOptions, place: u32) -> Result<Berth, String> {
    if matches!(options.framing, Framing::Pty | Framing::Modem) {
        return pty_berth();
    }
    let offset = u16::try_from(place).unwrap_or(u16::MAX);
    let port = match options.listen.port() {
        0 => 0,
        first => first
            .checked_add(offset)
            .ok_or_else(|| format!("{} meters from port {first} on go beyond port 65535", options.meters))?,
    };
    let wanted = SocketAddr::new(options.listen.ip(), port);
    let fail = |error: std::io::Error| format!("listening on {wanted}: {error}; is the port in use?");
    if options.framing == Framing::Udp {
        let socket = StdUdpSocket::bind(wanted).map_err(fail)?;
        socket.set_nonblocking(true).map_err(fail)?;
        return Ok(Berth::Datagrams(socket));
    }
    let listener = StdListener::bind(wanted).map_err(fail)?;
    listener.set_nonblocking(true).map_err(fail)?;
    Ok(Berth::Socket(listener))
}

impl Berth {
    /// The line that leads here; a modem's wants a number behind it.
    fn line(&self, framing: Framing) -> Result<String, String> {
        let bound = match self {
            Self::Socket(listener) => listener.local_addr(),
            Self::Datagrams(socket) => socket.local_addr(),
            #[cfg(unix)]
            Self::Pty(pty) if framing == Framing::Modem => {
                return Ok(format!("modem:{}?baud=9600&format=8n1&dial=", pty.path()));
            }
            #[cfg(unix)]
            Self::Pty(pty) => return Ok(format!("serial:{}?baud=9600&format=8n1", pty.path())),
        };
        let bound = bound.map_err(|error| format!("a socket without an address: {error}"))?;
        // A meter that listens everywhere is reached on this machine.
        let shown = match bound.ip() {
            ip if ip.is_unspecified() && ip.is_ipv4() => SocketAddr::new([127, 0, 0, 1].into(), bound.port()),
            ip if ip.is_unspecified() => SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), bound.port()),
            _ => bound,
        };
        let scheme = match framing {
            Framing::Hdlc => "tcp+hdlc",
            Framing::Udp => "udp",
            Framing::Flag => "tcp+flag",
            Framing::Wrapper | Framing::Pty | Framing::Modem => "tcp",
        };
        Ok(format!("{scheme}://{shown}"))
    }
}

#[cfg(unix)]
fn pty_berth() -> Result<Berth, String> {
    net::Pty::open().map(Berth::Pty)
}

#[cfg(not(unix))]
fn pty_berth() -> Result<Berth, String> {
    Err("pseudo-terminals exist on Unix alone: let the meters listen on sockets".to_owned())
}

/// The Elster model that a template is for; nothing for another family.
fn elster_model(template: &str, templates: &Catalogue) -> Result<Option<Model>, String> {
    let template = templates.shared(template).map_err(|error| error.to_string())?;
    if template.family != Family::Elster {
        return Ok(None);
    }
    let model = Model::of(&template.flag.model);
    model.map(Some).ok_or_else(|| format!("no virtual meter plays the model {}", template.flag.model))
}

/// The options with the framing that the meters speak: an Elster meter knows no DLMS.
fn spoken(options: &FleetOptions, model: Option<Model>) -> Result<FleetOptions, String> {
    let framing = match (model, options.framing) {
        (Some(_), Framing::Wrapper | Framing::Flag) => Framing::Flag,
        (Some(_), Framing::Hdlc | Framing::Udp) => {
            return Err(format!(
                "{} speaks IEC 62056-21: listen on tcp+flag://, pty or modem",
                options.template
            ));
        }
        (None, Framing::Flag) => {
            return Err(format!("{} speaks DLMS: tcp+flag:// is for a template of Elster", options.template));
        }
        (_, framing) => framing,
    };
    Ok(FleetOptions { framing, ..options.clone() })
}

/// An Elster meter knows one password, and no clients.
fn as_elster(described: &mut SimulatedMeter) {
    let SimulatedMeter { config, secrets } = described;
    config.client = None;
    config.auth = Auth::None;
    config.security = Security::None;
    config.name = config.name.replace(|letter: char| letter.is_ascii_alphabetic(), "");
    config.name = format!("Elster{}", config.name);
    *secrets = MeterSecrets { password: Some(Secret::new(PASSWORD.to_vec())), ..MeterSecrets::default() };
}

fn describe(options: &FleetOptions, world: &World, settings: &Settings, line: &str) -> SimulatedMeter {
    let name = format!("{} {:04}", settings.premises.word(), settings.number);
    // The line was written by this program a moment ago.
    let line = line.parse::<Line>().unwrap_or_else(|_| fallback_line());
    let mut config = MeterConfig::new(name, line);
    config.serial = Some(settings.serial());
    config.template.clone_from(&options.template);
    config.client = Some(1);
    config.auth = Auth::HighGmac;
    config.security = Security::Both;
    config.group = Some(
        match settings.premises {
            Premises::Household => "Households",
            Premises::Shop => "Shops",
            Premises::Factory => "Factories",
        }
        .to_owned(),
    );
    config.time_zone = Some(world.time_zone.clone());
    config.registers_in = Side::Secondary;
    config.note = "Virtual meter".to_owned();
    if settings.faults.quirks.has(Quirk::PreEstablished) {
        config.server_title = Some(settings.system_title());
        config.client_title = Some(CLIENT_TITLE);
    }
    let secrets = MeterSecrets {
        password: Some(Secret::new(PASSWORD.to_vec())),
        encryption_key: Some(Secret::new(ENCRYPTION_KEY.to_vec())),
        authentication_key: Some(Secret::new(AUTHENTICATION_KEY.to_vec())),
        master_key: None,
    };
    SimulatedMeter { config, secrets }
}

/// A line that leads nowhere.
fn fallback_line() -> Line {
    use crate::model::{HostPort, LinePath, Medium};
    let path = LinePath::Tcp(HostPort { host: "localhost".to_owned(), port: 1 });
    Line { path, gateway: None, medium: Medium::Direct }
}

#[cfg(test)]
mod tests;
