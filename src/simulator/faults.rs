//! Faults of lines and meters, as `simulate --fault SPEC` takes them. Percentages may have one decimal place.
//!
//! | SPEC | meaning |
//! | --- | --- |
//! | `late=MS` | every answer comes so many milliseconds late |
//! | `latency=MS` | every exchange takes so long, as over a network |
//! | `jitter=MS` | and up to so much longer, by chance |
//! | `rate=BYTES` | the line carries so many octets a second, both ways together |
//! | `loss=PERCENT` | so many of a hundred answers are lost (over HDLC and UDP: both ways) |
//! | `burst=PERCENT`, `burst=PERCENT/LENGTH` | so many of a hundred messages are lost, in bursts of that mean length (4 where nothing is said) |
//! | `garbage`, `garbage=PERCENT` | so many of a hundred answers have an octet flipped (10 where nothing is said) |
//! | `duplicate=PERCENT` | so many of a hundred datagrams or HDLC frames come twice |
//! | `reorder=PERCENT` | so many of a hundred datagrams are overtaken by those behind them |
//! | `half-open=PERCENT` | so many of a hundred connections fall silent after a few answers and stay open |
//! | `dead=PERCENT` | so many of a hundred meters never answer |
//! | `reset=N` | the connection is cut at every N-th request |
//! | `clock=SECONDS` | the meters' clocks are so many seconds fast (negative: slow) |
//! | `wrong-clock=PERCENT` | so many of a hundred meters have a clock that is wrong by hours |
//! | `counter=N` | the invocation counters that the meters expect begin at N |
//! | `image:full`, `image:full=N` | there is no room for a firmware image, or none from block N on |
//! | `image:loses=N` | every N-th block of an image is acknowledged and lost, the first time |
//! | `image:verify-fails` | every image is found not sound |
//! | `image:verify-slow=N` | verifying takes until the status has been looked at N times |
//! | `image:restart=SECONDS` | nobody answers for so long after an activation |
//! | `image:no-restart` | an activation is acknowledged, and nothing comes of it |
//! | `image:silent` | nobody answers ever again after an activation |
//! | `image:wrong-version` | another version runs after an activation |
//! | `image:other-image` | what would be activated bears another name |
//! | `image:cut=PHASE` | the meter restarts once in the middle: enable, initiate, blocks, verify, activate |
//! | `image:forgets` | that restart loses the transfer |
//! | `image:no-bitmap`, `image:no-status`, `image:no-info` | attributes 3, 6, 7 of the image transfer are refused |
//! | `image:first-wrong` | the first block that is missing is said to be the one behind the last that came |
//! | `image:stuck-page=N`, `image:err6=N` | of an Elster meter: page N never becomes blank; every N-th write of firmware is answered with ERR6 |
//! | `quirk:WORD` | a habit of real meters, see [`Quirk`] |
//! | `plc`, `plc-fast`, `mesh`, `mesh-far`, `mesh-fast`, `gprs`, `lte` | a mixture, see [`MIXES`] |

use super::quirks::{Quirk, Quirks};

pub use super::image_faults::{ImageCut, ImageFaults};

/// Mixtures by name: rates and round trips as head-ends see them (`facts/dlms-peers.md`, 6), with losses that are
/// usual there. Over a connection TCP repairs what the medium loses, so that it comes late instead.
///
/// | name | rate | round trip |
/// | --- | --- | --- |
/// | `plc` | 2.4 kbit/s | 3 s |
/// | `plc-fast` | 20 kbit/s | 1 s |
/// | `mesh` | 50 kbit/s | 1 s |
/// | `mesh-far` | 50 kbit/s | 2 s |
/// | `mesh-fast` | 300 kbit/s | 0.5 s |
/// | `gprs` | 40 kbit/s | 0.8 s |
/// | `lte` | 10 Mbit/s | 50 ms |
pub const MIXES: [(&str, &str); 7] = [
    ("plc", "latency=3000,jitter=1000,rate=300,loss=1,burst=2/4"),
    ("plc-fast", "latency=1000,jitter=500,rate=2500,loss=1,burst=1/4"),
    ("mesh", "latency=1000,jitter=500,rate=6250,loss=1,burst=2/3,duplicate=1,reorder=1"),
    ("mesh-far", "latency=2000,jitter=1500,rate=6250,loss=2,burst=3/4,duplicate=2,reorder=2"),
    ("mesh-fast", "latency=500,jitter=300,rate=37500,loss=0.5,burst=1/3,duplicate=0.5,reorder=0.5"),
    ("gprs", "latency=800,jitter=400,rate=5000,loss=0.5"),
    ("lte", "latency=50,jitter=20,rate=1250000,loss=0.1"),
];

/// Faults of a fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Added to each answer's time, in milliseconds.
    pub late_ms: u32,
    /// Round trip of the line, in milliseconds.
    pub latency_ms: u32,
    /// By how much the round trip is longer at most, in milliseconds.
    pub jitter_ms: u32,
    /// Octets a second; 0 is no limit.
    pub rate: u32,
    /// Lost answers, of a thousand.
    pub loss: u16,
    /// Messages lost in bursts, of a thousand.
    pub burst: u16,
    /// Mean length of a burst, in messages.
    pub burst_length: u16,
    /// Garbled answers, of a thousand.
    pub garbage: u16,
    /// Datagrams and frames that come twice, of a thousand.
    pub duplicate: u16,
    /// Datagrams that are overtaken, of a thousand.
    pub reorder: u16,
    /// Connections that fall silent, of a thousand.
    pub half_open: u16,
    /// Dead meters, of a thousand.
    pub dead: u16,
    /// Meters with a wrong clock, of a thousand.
    pub wrong_clock: u16,
    /// The connection is cut at every so-many-th request; 0 is never.
    pub reset_every: u32,
    /// The clocks are so many seconds fast.
    pub clock_seconds: i32,
    /// The invocation counter expected first.
    pub counter: u32,
    /// TCP repairs losses, which then cost time only.
    pub is_mix: bool,
    /// Habits.
    pub quirks: Quirks,
    /// Of firmware images.
    pub image: ImageFaults,
}

const HINT: &str = "write late=MS, latency=MS, jitter=MS, rate=BYTES, loss=PERCENT, burst=PERCENT/LENGTH, garbage=PERCENT, duplicate=PERCENT, reorder=PERCENT, half-open=PERCENT, dead=PERCENT, reset=N, clock=SECONDS, wrong-clock=PERCENT, counter=N, image:WORD, quirk:WORD, or one of plc, plc-fast, mesh, mesh-far, mesh-fast, gprs, lte";

fn number<T: std::str::FromStr>(spec: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("the fault `{spec}` has no number that fits: {HINT}"))
}

/// A percentage with at most one decimal place, as parts of a thousand.
fn percent(spec: &str, value: &str) -> Result<u16, String> {
    let (whole, tenth) = value.split_once('.').unwrap_or((value, "0"));
    let whole: u16 = number(spec, whole)?;
    let tenth: u16 = if tenth.len() == 1 { number(spec, tenth)? } else { number(spec, "-")? };
    let thousandths = whole.saturating_mul(10).saturating_add(tenth);
    if thousandths > 1000 { Err(format!("the fault `{spec}` is above 100 percent")) } else { Ok(thousandths) }
}

impl Faults {
    /// Reads all specifications of a command line; each may hold several, separated by commas.
    ///
    /// # Errors
    /// One is not known, in words.
    pub fn parse<S: AsRef<str>>(specs: &[S]) -> Result<Self, String> {
        let mut faults = Self::default();
        let all = specs.iter().flat_map(|spec| spec.as_ref().split(',')).map(str::trim);
        for spec in all.filter(|spec| !spec.is_empty()) {
            faults.add(spec)?;
        }
        Ok(faults)
    }

    fn add(&mut self, spec: &str) -> Result<(), String> {
        if let Some((_, mix)) = MIXES.iter().find(|(name, _)| *name == spec) {
            self.is_mix = true;
            return mix.split(',').try_for_each(|part| self.add(part));
        }
        if let Some(word) = spec.strip_prefix("quirk:") {
            self.quirks = self.quirks.with(word.parse::<Quirk>()?);
            return Ok(());
        }
        if let Some(rest) = spec.strip_prefix("image:") {
            return self.image.add(spec, rest);
        }
        let (word, value) = spec.split_once('=').unwrap_or((spec, ""));
        match word {
            "late" => self.late_ms = number(spec, value)?,
            "latency" => self.latency_ms = number(spec, value)?,
            "jitter" => self.jitter_ms = number(spec, value)?,
            "rate" => self.rate = number(spec, value)?,
            "loss" => self.loss = percent(spec, value)?,
            "burst" => {
                let (share, length) = value.split_once('/').unwrap_or((value, "4"));
                (self.burst, self.burst_length) = (percent(spec, share)?, number(spec, length)?);
            }
            "garbage" if value.is_empty() => self.garbage = 100,
            "garbage" => self.garbage = percent(spec, value)?,
            "duplicate" => self.duplicate = percent(spec, value)?,
            "reorder" => self.reorder = percent(spec, value)?,
            "half-open" => self.half_open = percent(spec, value)?,
            "dead" => self.dead = percent(spec, value)?,
            "wrong-clock" => self.wrong_clock = percent(spec, value)?,
            "reset" => self.reset_every = number(spec, value)?,
            "clock" => self.clock_seconds = number(spec, value)?,
            "counter" => self.counter = number(spec, value)?,
            _ => return Err(format!("the fault `{spec}` is not known: {HINT}")),
        }
        Ok(())
    }

    /// Whether the meter with this number is one of the dead: spread over the fleet, the first meter last of all.
    #[must_use]
    pub const fn is_dead(&self, meter: u32) -> bool {
        is_among(self.dead, meter, 37)
    }

    /// The faults of the meter with this number, whose clock may be one of the wrong ones.
    #[must_use]
    pub const fn of(mut self, meter: u32) -> Self {
        if is_among(self.wrong_clock, meter, 63) {
            // Between two and eleven hours, either way.
            let hours = 2 + (meter % 10) as i32;
            let sign = if meter.is_multiple_of(2) { 1 } else { -1 };
            self.clock_seconds = self.clock_seconds.saturating_add(sign * (hours * 3600 + 17));
        }
        self
    }
}

/// Whether a meter is among so many of a thousand. Each hundred meters hold exactly the share, where that comes to
/// whole meters; the rest is spread over ten hundreds.
const fn is_among(share: u16, meter: u32, step: u64) -> bool {
    let hundred = (meter / 100 % 10) as u64 * 7 % 10;
    let place = (meter % 100) as u64 * step % 100 * 10 + hundred;
    place >= 1000 - share as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_fault_is_read() {
        let faults = Faults::parse(&[
            "late=200,latency=50,jitter=20,rate=1200",
            "loss=3,burst=2.5/6",
            "garbage",
            "duplicate=1,reorder=2,half-open=5",
            "dead=0.5",
            "reset=7",
            "clock=-90,wrong-clock=1",
            "counter=500",
            "quirk:no-list,quirk:null-stamps",
        ])
        .unwrap();
        let quirks = Quirks::NONE.with(Quirk::NoList).with(Quirk::NullStamps);
        let expected = Faults {
            late_ms: 200,
            latency_ms: 50,
            jitter_ms: 20,
            rate: 1200,
            loss: 30,
            burst: 25,
            burst_length: 6,
            garbage: 100,
            duplicate: 10,
            reorder: 20,
            half_open: 50,
            dead: 5,
            wrong_clock: 10,
            reset_every: 7,
            clock_seconds: -90,
            counter: 500,
            is_mix: false,
            quirks,
            image: ImageFaults::default(),
        };
        assert_eq!(faults, expected);
    }

    #[test]
    fn every_mixture_is_read_and_may_be_changed_behind_its_name() {
        for (name, _) in MIXES {
            assert!(Faults::parse(&[name]).unwrap().latency_ms > 0, "{name}");
        }
        let faults = Faults::parse(&["mesh,loss=9"]).unwrap();
        assert_eq!((faults.loss, faults.rate, faults.is_mix), (90, 6250, true));
    }

    #[test]
    fn a_fault_that_is_not_known_is_refused_in_words() {
        assert!(Faults::parse(&["slow=3"]).unwrap_err().contains("late=MS"));
        assert!(Faults::parse(&["loss=101"]).unwrap_err().contains("100 percent"));
        assert!(Faults::parse(&["loss=1.25"]).unwrap_err().contains("no number"));
        assert!(Faults::parse(&["quirk:odd"]).unwrap_err().contains("no-list"));
    }

    #[test]
    fn faults_of_images_are_read() {
        let faults =
            Faults::parse(&["image:loses=3,image:cut=verify", "image:full=7", "image:silent"]).unwrap();
        let cut = Some(ImageCut::Verify);
        let wanted = ImageFaults { loses: 3, cut, full_at: Some(7), silent: true, ..ImageFaults::default() };
        assert_eq!(faults.image, wanted);
        assert!(Faults::parse(&["image:odd"]).unwrap_err().contains("image:no-bitmap"));
    }

    #[test]
    fn so_many_of_a_hundred_meters_are_dead() {
        let dead = |dead, of| {
            let faults = Faults { dead, ..Faults::default() };
            assert!(!faults.is_dead(0));
            (0..of).filter(|meter| faults.is_dead(*meter)).count()
        };
        assert_eq!(dead(150, 200), 30);
        assert_eq!(dead(5, 5000), 25);
    }

    #[test]
    fn some_clocks_are_wrong_by_hours() {
        let faults = Faults { wrong_clock: 20, ..Faults::default() };
        let wrong: Vec<i32> =
            (0..100).map(|meter| faults.of(meter).clock_seconds).filter(|by| *by != 0).collect();
        assert_eq!(wrong.len(), 2);
        assert!(wrong.iter().all(|by| by.abs() > 7000));
    }
}
