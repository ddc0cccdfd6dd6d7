//! The firmware of a virtual meter, and the image that is on its way into it.
//!
//! An image begins with a line of ASCII, `MTWFW VERSION`: the version that the meter says once it runs the image. Any
//! other image is found not sound. An activation restarts the meter: its associations are gone, and its connections
//! are closed. What has been transferred outlives that and every other cut.

use sha2::{Digest, Sha256};

use super::faults::{ImageCut, ImageFaults};

/// The version that every virtual meter leaves its maker with.
pub const FIRST_VERSION: &str = "MTW 1.4.2";
/// What an image begins with.
pub const IMAGE_HEADER: &str = "MTWFW ";
/// What a meter says that was given [`ImageFaults::wrong_version`].
pub const WRONG_VERSION: &str = "MTW 0.0.1-recovery";
/// Bytes of a block.
pub const BLOCK_BYTES: usize = 200;
/// Room for an image, in bytes.
const ROOM: u32 = 16 << 20;

/// Why an order is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// Image transfer is not enabled, or this is not its turn.
    NotNow,
    /// There is no room.
    NoRoom,
    /// The order makes no sense.
    Senseless,
    /// The meter is at it.
    Busy,
}

/// What a meter does with its connections after an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hangs {
    /// Nothing.
    #[default]
    On,
    /// It answers, and is gone.
    AfterAnswer,
    /// It is gone before it answers.
    Silently,
}

/// One image that the meter would activate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) size: u32,
    pub(crate) identification: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// The firmware of one meter.
#[derive(Debug)]
pub struct Firmware {
    faults: ImageFaults,
    version: String,
    active: Vec<u8>,
    pub(crate) enabled: bool,
    status: u8,
    identification: Vec<u8>,
    held: Vec<u8>,
    has: Vec<bool>,
    came: Vec<u32>,
    dropped: Vec<bool>,
    ready: Option<Ready>,
    looks_left: u32,
    /// Second of the meter's clock at which the image takes over.
    pub(crate) due: Option<i64>,
    down_until_ms: Option<i64>,
    restarts: u32,
    initiations: u32,
    hangs: Hangs,
    cut_left: bool,
}

impl Firmware {
    /// As the maker delivers it.
    pub(crate) fn new(faults: ImageFaults) -> Self {
        Self {
            faults,
            version: FIRST_VERSION.to_owned(),
            active: Vec::new(),
            enabled: false,
            status: 0,
            identification: Vec::new(),
            held: Vec::new(),
            has: Vec::new(),
            came: Vec::new(),
            dropped: Vec::new(),
            ready: None,
            looks_left: 0,
            due: None,
            down_until_ms: None,
            restarts: 0,
            initiations: 0,
            hangs: Hangs::On,
            cut_left: faults.cut.is_some(),
        }
    }

    /// The version that runs.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The image that runs; empty for the one that the meter was delivered with.
    #[must_use]
    pub fn active(&self) -> &[u8] {
        &self.active
    }

    /// The image as it was transferred so far.
    #[must_use]
    pub fn held(&self) -> &[u8] {
        &self.held
    }

    /// How often each block of the present transfer came.
    #[must_use]
    pub fn came(&self) -> &[u32] {
        &self.came
    }

    /// How many transfers were initiated.
    #[must_use]
    pub const fn initiations(&self) -> u32 {
        self.initiations
    }

    /// image_transfer_status.
    #[must_use]
    pub const fn status(&self) -> u8 {
        self.status
    }

    /// Power fails for a moment: associations are gone, what was transferred stays.
    pub fn restart(&mut self) {
        self.restarts = self.restarts.wrapping_add(1);
    }

    /// Puts another row of faults in force.
    pub fn set_faults(&mut self, faults: ImageFaults) {
        self.faults = faults;
        self.cut_left = faults.cut.is_some();
    }

    /// Which start of the meter this is.
    pub(crate) const fn restarts(&self) -> u32 {
        self.restarts
    }

    /// What the meter does with its connections now; asked for once after each order.
    pub(crate) fn take_hangs(&mut self) -> Hangs {
        std::mem::take(&mut self.hangs)
    }

    /// Whether nobody is at home, at a true millisecond.
    pub(crate) fn is_down(&mut self, now_ms: i64) -> bool {
        let is_down = self.down_until_ms.is_some_and(|until| now_ms < until);
        if !is_down {
            self.down_until_ms = None;
        }
        is_down
    }

    pub(crate) const fn faults(&self) -> ImageFaults {
        self.faults
    }

    fn cut(&mut self, at: ImageCut) {
        if self.cut_left && self.faults.cut == Some(at) {
            self.cut_left = false;
            self.hangs = Hangs::Silently;
            self.restart();
            if self.faults.forgets {
                self.status = 0;
                self.has.fill(false);
                self.held.fill(0);
            }
        }
    }

    /// Enables or disables image transfer.
    pub(crate) fn enable(&mut self, enabled: bool) {
        self.enabled = enabled;
        self.cut(ImageCut::Enable);
    }

    /// image_transfer_initiate.
    pub(crate) fn initiate(&mut self, identification: &[u8], size: u32) -> Result<(), Denial> {
        if !self.enabled {
            return Err(Denial::NotNow);
        }
        let has_room = size > 0 && size <= ROOM && self.faults.full_at != Some(0);
        let length = usize::try_from(size).ok().filter(|_| has_room).ok_or(Denial::NoRoom)?;
        let blocks = length.div_ceil(BLOCK_BYTES);
        self.identification = identification.to_vec();
        self.held = vec![0; length];
        (self.has, self.came, self.dropped) = (vec![false; blocks], vec![0; blocks], vec![false; blocks]);
        (self.status, self.ready, self.due) = (1, None, None);
        self.initiations += 1;
        self.cut(ImageCut::Initiate);
        Ok(())
    }

    /// image_block_transfer.
    pub(crate) fn block(&mut self, number: u32, bytes: &[u8]) -> Result<(), Denial> {
        if !self.enabled || !matches!(self.status, 1 | 4) {
            return Err(Denial::NotNow);
        }
        if self.faults.full_at.is_some_and(|full| number >= full) {
            return Err(Denial::NoRoom);
        }
        let place = usize::try_from(number).map_err(|_| Denial::Senseless)?;
        let at = place.checked_mul(BLOCK_BYTES).ok_or(Denial::Senseless)?;
        let end = at.saturating_add(BLOCK_BYTES).min(self.held.len());
        let room = self.held.get_mut(at..end).filter(|room| room.len() == bytes.len() && !bytes.is_empty());
        let room = room.ok_or(Denial::Senseless)?;
        if let Some(came) = self.came.get_mut(place) {
            *came += 1;
        }
        let is_lost = self.faults.loses > 0
            && number % self.faults.loses == self.faults.loses - 1
            && !std::mem::replace(self.dropped.get_mut(place).ok_or(Denial::Senseless)?, true);
        if !is_lost {
            room.copy_from_slice(bytes);
            if let Some(has) = self.has.get_mut(place) {
                *has = true;
            }
        }
        if place == self.has.len() / 2 {
            self.cut(ImageCut::Blocks);
        }
        Ok(())
    }

    fn header_version(&self) -> Option<String> {
        let line = self.held.split(|byte| *byte == b'\n').next().filter(|line| line.len() < 100)?;
        let version = std::str::from_utf8(line).ok()?.strip_prefix(IMAGE_HEADER)?.trim();
        (!version.is_empty()).then(|| version.to_owned())
    }

    /// image_verify.
    pub(crate) fn verify(&mut self) -> Result<(), Denial> {
        if !self.enabled || !matches!(self.status, 1..=4) {
            return Err(Denial::NotNow);
        }
        self.cut(ImageCut::Verify);
        if self.faults.ask_again && self.status != 2 {
            (self.status, self.looks_left) = (2, 0);
            return Err(Denial::Busy);
        }
        if self.faults.ask_again {
            return self.conclude_verification();
        }
        if self.faults.verify_looks > 0 && self.status != 2 {
            self.status = 2;
            self.looks_left = self.faults.verify_looks;
            return Err(Denial::Busy);
        }
        if self.status == 2 {
            return Err(Denial::Busy);
        }
        self.conclude_verification()
    }

    fn conclude_verification(&mut self) -> Result<(), Denial> {
        let is_whole = !self.has.is_empty() && self.has.iter().all(|has| *has);
        if !is_whole || self.header_version().is_none() || self.faults.verify_fails {
            self.status = 4;
            return Err(Denial::Senseless);
        }
        self.status = 3;
        let mut identification = self.identification.clone();
        if self.faults.other_image {
            identification.push(b'?');
        }
        let signature = Sha256::digest(&self.held).to_vec();
        let size = u32::try_from(self.held.len()).unwrap_or(u32::MAX);
        self.ready = Some(Ready { size, identification, signature });
        Ok(())
    }

    /// image_transfer_status, as a client looks at it.
    pub(crate) fn look_at_status(&mut self) -> u8 {
        if self.status == 2 && self.looks_left > 0 {
            self.looks_left = self.looks_left.saturating_sub(1);
            if self.looks_left == 0 {
                // Sound or not: the status says so.
                let _told_by_the_status = self.conclude_verification();
            } else {
                return 2;
            }
        }
        self.status
    }

    /// image_activate.
    pub(crate) fn activate(&mut self, now_ms: i64) -> Result<(), Denial> {
        let is_asked_again = self.faults.ask_again && self.status == 5;
        if !self.enabled || self.status != 3 && !is_asked_again {
            return Err(Denial::NotNow);
        }
        if self.faults.ask_again && !is_asked_again {
            self.status = 5;
            return Err(Denial::Busy);
        }
        let cut = self.cut_left && self.faults.cut == Some(ImageCut::Activate);
        self.take_over(now_ms);
        if cut {
            self.cut_left = false;
            self.hangs = Hangs::Silently;
        }
        Ok(())
    }

    fn take_over(&mut self, now_ms: i64) {
        if self.faults.no_restart {
            self.status = 5;
            return;
        }
        self.restart();
        self.hangs = Hangs::AfterAnswer;
        let seconds = i64::from(self.faults.restart_seconds);
        self.down_until_ms = match (self.faults.silent, seconds) {
            (true, _) => Some(i64::MAX),
            (false, 0) => None,
            (false, seconds) => Some(now_ms.saturating_add(seconds * 1000)),
        };
        self.run_image();
    }

    fn run_image(&mut self) {
        self.due = None;
        self.status = 6;
        self.version = match self.header_version() {
            Some(version) if !self.faults.wrong_version => version,
            _ => WRONG_VERSION.to_owned(),
        };
        self.active = self.held.clone();
    }

    /// Lets what is due take over, at a second of the meter's clock.
    pub(crate) fn advance(&mut self, meter_second: i64) {
        if self.due.is_some_and(|due| meter_second >= due) && self.status == 3 {
            // Its restart is over before anybody looks.
            self.run_image();
        }
    }

    /// The bitmap: the first block in the highest bit.
    pub(crate) fn bitmap(&self) -> (usize, Vec<u8>) {
        let mut bytes = vec![0u8; self.has.len().div_ceil(8)];
        for place in self.has.iter().enumerate().filter(|(_, has)| **has).map(|(place, _)| place) {
            if let Some(byte) = bytes.get_mut(place / 8) {
                *byte |= 0x80 >> (place % 8);
            }
        }
        (self.has.len(), bytes)
    }

    /// The first block that is missing.
    pub(crate) fn first_missing(&self) -> u32 {
        let first = if self.faults.first_wrong {
            self.has.iter().rposition(|has| *has).map_or(0, |last| last + 1)
        } else {
            self.has.iter().position(|has| !*has).unwrap_or(self.has.len())
        };
        u32::try_from(first).unwrap_or(u32::MAX)
    }

    /// What would be activated.
    pub(crate) const fn ready(&self) -> Option<&Ready> {
        self.ready.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Vec<u8> {
        let mut image = b"MTWFW MTW 1.5.0\n".to_vec();
        image.extend((0..500u32).map(|at| u8::try_from(at % 256).unwrap()));
        image
    }

    fn send(firmware: &mut Firmware, image: &[u8]) {
        for (number, block) in (0u32..).zip(image.chunks(BLOCK_BYTES)) {
            firmware.block(number, block).unwrap();
        }
    }

    fn begun(faults: ImageFaults) -> Firmware {
        let mut firmware = Firmware::new(faults);
        firmware.enable(true);
        firmware.initiate(b"id", u32::try_from(image().len()).unwrap()).unwrap();
        firmware
    }

    #[test]
    fn an_image_is_taken_verified_and_activated() {
        let mut firmware = begun(ImageFaults::default());
        assert_eq!(firmware.first_missing(), 0);
        assert!(firmware.activate(0).is_err(), "not verified yet");
        send(&mut firmware, &image());
        assert_eq!(firmware.bitmap(), (3, vec![0b1110_0000]));
        firmware.verify().unwrap();
        firmware.activate(0).unwrap();
        assert_eq!((firmware.version(), firmware.status()), ("MTW 1.5.0", 6));
        assert!(firmware.active() == image());
    }

    #[test]
    fn an_image_without_its_header_or_with_a_hole_is_not_sound() {
        let mut firmware = begun(ImageFaults::default());
        firmware.block(0, &image()[..BLOCK_BYTES]).unwrap();
        assert!(firmware.verify().is_err());
        let mut firmware = begun(ImageFaults::default());
        send(&mut firmware, &vec![0; image().len()]);
        assert!(firmware.verify().is_err());
        assert_eq!(firmware.status(), 4);
    }

    #[test]
    fn initiating_again_forgets_every_block() {
        let mut firmware = begun(ImageFaults::default());
        send(&mut firmware, &image());
        firmware.initiate(b"id", 16).unwrap();
        assert_eq!((firmware.bitmap(), firmware.first_missing()), ((1, vec![0]), 0));
    }
}
