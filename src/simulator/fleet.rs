//! A fleet of virtual meters on a thread of its own.

use std::fmt;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::thread::JoinHandle;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::model::{Auth, Line, MeterConfig, MeterSecrets, Secret, Security, Side, Template};

use super::faults::{Faults, LineEmulator};
use super::load::Premises;
use super::meter::VirtualMeter;
use super::net;
use super::quirks::Quirk;
use super::server::SharedMeter;
use super::settings::Settings;
use super::world::{TrueTime, World};
use super::{
    AUTHENTICATION_KEY, CLIENT_TITLE, ENCRYPTION_KEY, FleetOptions, Framing, PASSWORD, SimulatedMeter,
};

/// Most meters of a fleet: as many as there are ports to listen on.
const MOST_METERS: u32 = 50_000;

/// A running fleet; dropping it stops it.
pub struct Fleet {
    meters: Vec<SimulatedMeter>,
    inside: Vec<SharedMeter>,
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
    /// A pseudo-terminal.
    #[cfg(unix)]
    Pty(net::Pty),
}

/// A meter and its place.
pub(super) struct Station {
    pub(super) meter: SharedMeter,
    pub(super) berth: Berth,
    pub(super) framing: Framing,
    pub(super) faults: Faults,
    pub(super) seed: u64,
    pub(super) dead: bool,
}

impl Station {
    /// The line of a new connection; each has fates of its own.
    pub(super) fn line(&self, connection: u64) -> LineEmulator {
        LineEmulator::new(self.faults, self.seed ^ connection.rotate_left(17))
    }
}

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
        let faults = Faults::parse(&options.faults)?;
        Template::named(&options.template).map_err(|error| error.to_string())?;
        let zone = TimeZone::get(&world.time_zone)
            .map_err(|error| format!("the time zone `{}`: {error}", world.time_zone))?;
        if !(60..=3600).contains(&world.period) || 3600 % world.period != 0 {
            return Err(format!("a capture period of {} seconds does not divide an hour", world.period));
        }
        if options.meters > MOST_METERS {
            return Err(format!("{} meters are more than {MOST_METERS}", options.meters));
        }
        let time = TrueTime::new(world.clock);
        let began = Timestamp::from_millisecond(time.now_ms()).map_err(|error| error.to_string())?;
        let mut meters = Vec::new();
        let mut inside = Vec::new();
        let mut stations = Vec::new();
        for number in 1..=options.meters {
            let settings = world.settings(number, options.seed, &zone, began, faults);
            let (berth, line) = berth(options, number)?;
            meters.push(describe(options, world, &settings, &line));
            let seed = settings.seed;
            let meter = SharedMeter::new(VirtualMeter::new(settings).into());
            inside.push(meter.clone());
            let dead = faults.is_dead(number - 1);
            stations.push(Station { meter, berth, framing: options.framing, faults, seed, dead });
        }
        let (stop, stopped) = watch::channel(false);
        let thread = net::run(stations, time.clone(), stopped)?;
        Ok(Self { meters, inside, time, stop, thread: Some(thread) })
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

fn berth(options: &FleetOptions, number: u32) -> Result<(Berth, String), String> {
    if options.framing == Framing::Pty {
        return pty_berth();
    }
    let offset = u16::try_from(number - 1).unwrap_or(u16::MAX);
    let port = match options.listen.port() {
        0 => 0,
        first => first
            .checked_add(offset)
            .ok_or_else(|| format!("{} meters from port {first} on go beyond port 65535", options.meters))?,
    };
    let wanted = SocketAddr::new(options.listen.ip(), port);
    let fail = |error: std::io::Error| format!("listening on {wanted}: {error}; is the port in use?");
    let listener = StdListener::bind(wanted).map_err(fail)?;
    listener.set_nonblocking(true).map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    // A meter that listens everywhere is reached on this machine.
    let shown = match bound.ip() {
        ip if ip.is_unspecified() && ip.is_ipv4() => SocketAddr::new([127, 0, 0, 1].into(), bound.port()),
        ip if ip.is_unspecified() => SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), bound.port()),
        _ => bound,
    };
    let scheme = if options.framing == Framing::Hdlc { "tcp+hdlc" } else { "tcp" };
    Ok((Berth::Socket(listener), format!("{scheme}://{shown}")))
}

#[cfg(unix)]
fn pty_berth() -> Result<(Berth, String), String> {
    let pty = net::Pty::open()?;
    let line = format!("serial:{}?baud=9600&format=8n1", pty.path());
    Ok((Berth::Pty(pty), line))
}

#[cfg(not(unix))]
fn pty_berth() -> Result<(Berth, String), String> {
    Err("pseudo-terminals exist on Unix alone: let the meters listen on sockets".to_owned())
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
