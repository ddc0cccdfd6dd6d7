//! Faults of lines and meters, as `simulate --fault SPEC` takes them.
//!
//! | SPEC | meaning |
//! | --- | --- |
//! | `late=MS` | every answer comes so many milliseconds late |
//! | `loss=PERCENT` | so many of a hundred answers are lost (over HDLC: frames, both ways) |
//! | `garbage`, `garbage=PERCENT` | so many of a hundred answers have an octet flipped (10 where nothing is said) |
//! | `dead=PERCENT` | so many of a hundred meters never answer |
//! | `reset=N` | the connection is cut at every N-th request |
//! | `clock=SECONDS` | the meters' clocks are so many seconds fast (negative: slow) |
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
//! | `quirk:WORD` | a habit of real meters, see [`Quirk`] |

use super::noise::Noise;
use super::quirks::{Quirk, Quirks};

/// Faults of a fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Added to each answer's time, in milliseconds.
    pub late_ms: u32,
    /// Lost answers, of a hundred.
    pub loss_percent: u8,
    /// Garbled answers, of a hundred.
    pub garbage_percent: u8,
    /// Dead meters, of a hundred.
    pub dead_percent: u8,
    /// The connection is cut at every so-many-th request; 0 is never.
    pub reset_every: u32,
    /// The clocks are so many seconds fast.
    pub clock_seconds: i32,
    /// The invocation counter expected first.
    pub counter: u32,
    /// Habits.
    pub quirks: Quirks,
    /// Of firmware images.
    pub image: ImageFaults,
}

/// Where a meter restarts in the middle of taking an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageCut {
    /// When image transfer is enabled.
    Enable,
    /// When a transfer is initiated.
    Initiate,
    /// When half of the blocks came.
    Blocks,
    /// When it is to verify.
    Verify,
    /// When it is to activate: it does, without a word.
    Activate,
}

/// Faults of firmware images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageFaults {
    /// No room from this block on; 0 is none at all.
    pub full_at: Option<u32>,
    /// Every so-many-th block is lost the first time; 0 is none.
    pub loses: u32,
    /// No image is sound.
    pub verify_fails: bool,
    /// Looks at the status until the verification is over.
    pub verify_looks: u32,
    /// How long the restart takes.
    pub restart_seconds: u32,
    /// Nothing comes of an activation.
    pub no_restart: bool,
    /// Nobody answers after an activation.
    pub silent: bool,
    /// Another version runs afterwards.
    pub wrong_version: bool,
    /// What would be activated bears another name.
    pub other_image: bool,
    /// It restarts once in the middle.
    pub cut: Option<ImageCut>,
    /// That restart loses the transfer.
    pub forgets: bool,
    /// Attribute 3 is refused.
    pub no_bitmap: bool,
    /// Attribute 6 is refused.
    pub no_status: bool,
    /// Attribute 7 is refused.
    pub no_info: bool,
    /// Attribute 4 errs (`facts/dlms-quirks.md`, 87).
    pub first_wrong: bool,
}

const HINT: &str = "write late=MS, loss=PERCENT, garbage=PERCENT, dead=PERCENT, reset=N, clock=SECONDS, counter=N, image:WORD or quirk:WORD";

fn number<T: std::str::FromStr>(spec: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("the fault `{spec}` has no number that fits: {HINT}"))
}

fn percent(spec: &str, value: &str) -> Result<u8, String> {
    let found: u8 = number(spec, value)?;
    if found > 100 { Err(format!("the fault `{spec}` is above 100 percent")) } else { Ok(found) }
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
            "loss" => self.loss_percent = percent(spec, value)?,
            "garbage" if value.is_empty() => self.garbage_percent = 10,
            "garbage" => self.garbage_percent = percent(spec, value)?,
            "dead" => self.dead_percent = percent(spec, value)?,
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
        // Each hundred meters hold exactly the percentage asked for.
        let place = (meter % 100) as u64 * 37 % 100;
        place >= 100 - self.dead_percent as u64
    }
}

const IMAGE_HINT: &str = "write image:full, image:full=N, image:loses=N, image:verify-fails, image:verify-slow=N, \
    image:restart=SECONDS, image:no-restart, image:silent, image:wrong-version, image:other-image, \
    image:cut=enable|initiate|blocks|verify|activate, image:forgets, image:no-bitmap, image:no-status, \
    image:no-info or image:first-wrong";

impl ImageFaults {
    fn add(&mut self, spec: &str, rest: &str) -> Result<(), String> {
        let (word, value) = rest.split_once('=').unwrap_or((rest, ""));
        match (word, value) {
            ("full", "") => self.full_at = Some(0),
            ("full", value) => self.full_at = Some(number(spec, value)?),
            ("loses", value) => self.loses = number(spec, value)?,
            ("verify-fails", "") => self.verify_fails = true,
            ("verify-slow", value) => self.verify_looks = number(spec, value)?,
            ("restart", value) => self.restart_seconds = number(spec, value)?,
            ("no-restart", "") => self.no_restart = true,
            ("silent", "") => self.silent = true,
            ("wrong-version", "") => self.wrong_version = true,
            ("other-image", "") => self.other_image = true,
            ("cut", "enable") => self.cut = Some(ImageCut::Enable),
            ("cut", "initiate") => self.cut = Some(ImageCut::Initiate),
            ("cut", "blocks") => self.cut = Some(ImageCut::Blocks),
            ("cut", "verify") => self.cut = Some(ImageCut::Verify),
            ("cut", "activate") => self.cut = Some(ImageCut::Activate),
            ("forgets", "") => self.forgets = true,
            ("no-bitmap", "") => self.no_bitmap = true,
            ("no-status", "") => self.no_status = true,
            ("no-info", "") => self.no_info = true,
            ("first-wrong", "") => self.first_wrong = true,
            _ => return Err(format!("the fault `{spec}` is not known: {IMAGE_HINT}")),
        }
        Ok(())
    }
}

/// What becomes of an answer on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Arrives,
    /// It is lost.
    Lost,
    /// The octet at this place, counted modulo the length, arrives with this bit pattern laid over it.
    Garbled {
        /// Place.
        at: usize,
        /// What is laid over.
        mask: u8,
    },
    /// The connection is cut.
    Cut,
}

/// The line of one connection: a row of fates that follows from the seed.
#[derive(Clone, Debug)]
pub struct LineEmulator {
    faults: Faults,
    noise: Noise,
    sent: i64,
    heard: i64,
}

impl LineEmulator {
    /// A line with its faults.
    #[must_use]
    pub const fn new(faults: Faults, seed: u64) -> Self {
        Self { faults, noise: Noise::new(seed), sent: 0, heard: 0 }
    }

    /// How long answers take, in milliseconds.
    #[must_use]
    pub const fn late_ms(&self) -> u32 {
        self.faults.late_ms
    }

    /// Whether the next thing that comes from the client is lost.
    pub fn loses(&mut self) -> bool {
        self.heard += 1;
        self.noise.below(63, self.heard, 100) < i64::from(self.faults.loss_percent)
    }

    /// The fate of the next answer.
    pub fn next_fate(&mut self) -> Fate {
        self.sent += 1;
        let place = self.sent;
        let every = i64::from(self.faults.reset_every);
        if every > 0 && place % every == 0 {
            return Fate::Cut;
        }
        let dice = self.noise.below(60, place, 100);
        let (loss, garbage) = (i64::from(self.faults.loss_percent), i64::from(self.faults.garbage_percent));
        if dice < loss {
            Fate::Lost
        } else if dice < loss + garbage {
            let at = usize::try_from(self.noise.below(61, place, 1 << 16)).unwrap_or(0);
            let mask = u8::try_from(1 + self.noise.below(62, place, 255)).unwrap_or(0xFF);
            Fate::Garbled { at, mask }
        } else {
            Fate::Arrives
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_fault_is_read() {
        let faults = Faults::parse(&[
            "late=200",
            "loss=3",
            "garbage",
            "dead=10",
            "reset=7",
            "clock=-90",
            "counter=500",
            "quirk:no-list,quirk:null-stamps",
        ])
        .unwrap();
        let quirks = Quirks::NONE.with(Quirk::NoList).with(Quirk::NullStamps);
        let expected = Faults {
            late_ms: 200,
            loss_percent: 3,
            garbage_percent: 10,
            dead_percent: 10,
            reset_every: 7,
            clock_seconds: -90,
            counter: 500,
            quirks,
            image: ImageFaults::default(),
        };
        assert_eq!(faults, expected);
    }

    #[test]
    fn a_fault_that_is_not_known_is_refused_in_words() {
        assert!(Faults::parse(&["slow=3"]).unwrap_err().contains("late=MS"));
        assert!(Faults::parse(&["loss=101"]).unwrap_err().contains("100 percent"));
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
        let faults = Faults { dead_percent: 15, ..Faults::default() };
        assert_eq!((0..200).filter(|meter| faults.is_dead(*meter)).count(), 30);
        assert!(!faults.is_dead(0));
    }

    #[test]
    fn the_same_seed_gives_the_same_fates() {
        let faults = Faults { loss_percent: 20, garbage_percent: 20, ..Faults::default() };
        let fates = |seed| {
            let mut line = LineEmulator::new(faults, seed);
            (0..200).map(|_| line.next_fate()).collect::<Vec<_>>()
        };
        assert_eq!(fates(1), fates(1));
        assert_ne!(fates(1), fates(2));
        let lost = fates(1).into_iter().filter(|fate| *fate == Fate::Lost).count();
        assert!((20..60).contains(&lost), "{lost} of 200 lost");
    }
}
