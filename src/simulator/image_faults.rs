//! Faults of firmware images: what `--fault image:WORD` says (see [`super::faults`]).

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
    /// It verifies and activates only when it is asked a second time, and says that it is at it until then.
    pub ask_again: bool,
    /// Attribute 4 errs (`facts/dlms-quirks.md`, 87).
    pub first_wrong: bool,
    /// Of an Elster meter: this page never becomes blank.
    pub stuck_page: Option<u16>,
    /// Of an Elster meter: every so-many-th write is answered with ERR6; 0 is none.
    pub err6: u32,
}

const HINT: &str = "write image:full, image:full=N, image:loses=N, image:verify-fails, image:verify-slow=N, \
    image:restart=SECONDS, image:no-restart, image:silent, image:wrong-version, image:other-image, \
    image:cut=enable|initiate|blocks|verify|activate, image:forgets, image:no-bitmap, image:no-status, \
    image:no-info, image:ask-again, image:first-wrong, image:stuck-page=N or image:err6=N";

fn number<T: std::str::FromStr>(spec: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("the fault `{spec}` has no number that fits: {HINT}"))
}

impl ImageFaults {
    /// Takes one more fault: the whole specification, and what stands behind `image:`.
    pub(super) fn add(&mut self, spec: &str, rest: &str) -> Result<(), String> {
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
            ("ask-again", "") => self.ask_again = true,
            ("first-wrong", "") => self.first_wrong = true,
            ("stuck-page", value) => self.stuck_page = Some(number(spec, value)?),
            ("err6", value) => self.err6 = number(spec, value)?,
            _ => return Err(format!("the fault `{spec}` is not known: {HINT}")),
        }
        Ok(())
    }
}
