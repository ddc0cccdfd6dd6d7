//! The phases in the middle of a flash, within one association: enable, initiate, blocks, sweep, verify, compare, and
//! the order to activate.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::drivers::Activation;
use crate::drivers::dlms::{Bits, ImageSession, Invoked};
use crate::model::{Blame, Fault, FlashOutcome, FlashPhase, Step};
use crate::protocol::link::Link;

use super::manifest::Hex;
use super::package::PackageError;
use super::procedure::Run;
use super::resume::{self, Next, Says, status};
use super::state::{AHEAD, Initiated};

/// How often a block is offered to a meter that is busy.
const OFFERS: u32 = 30;
/// How often all missing blocks are sent without the meter missing fewer.
const SWEEPS: u32 = 3;
/// How often a verification that failed for want of blocks is repeated.
const VERIFICATIONS: u32 = 3;
/// Looks at a meter that verifies before it is asked again for the first time.
const ASK_AGAIN: u32 = 3;
/// Looks at a status that does not follow a verification that is said to be done.
const CLAIMS: u32 = 3;
/// Counts of blocks are told and kept at most so often.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// What is left to do after an association with the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The meter activates: wait for its restart.
    Restart,
    /// Nothing: it was told to wait.
    Nothing,
}

/// A fault of the package's file, which is this computer's.
pub(super) fn package_fault(error: &PackageError) -> Fault {
    Fault::user(error.to_string(), "nothing more is sent to the meter; put the package back as it was")
}

/// Blocks that a meter still wants.
struct Pump {
    have: Vec<bool>,
    began: Instant,
    had: u32,
    told: Option<Instant>,
    /// The block that was sent last.
    last: Option<u32>,
}

impl Pump {
    fn new(blocks: u32, has: impl Fn(u32) -> bool) -> Self {
        let have: Vec<bool> = (0..blocks).map(has).collect();
        let mut pump = Self { have, began: Instant::now(), had: 0, told: None, last: None };
        pump.had = pump.count();
        pump
    }

    fn count(&self) -> u32 {
        u32::try_from(self.have.iter().filter(|have| **have).count()).unwrap_or(u32::MAX)
    }

    fn missing(&self) -> Vec<u32> {
        (0u32..).zip(&self.have).filter(|(_, have)| !**have).map(|(number, _)| number).collect()
    }

    fn took(&mut self, number: u32) {
        if let Some(slot) = usize::try_from(number).ok().and_then(|place| self.have.get_mut(place)) {
            *slot = true;
        }
    }

    /// Time left at the pace since this association began, in seconds.
    fn seconds_left(&self, done: u32, of: u32) -> Option<u64> {
        let sent = u64::from(done.saturating_sub(self.had));
        let millis = u64::try_from(self.began.elapsed().as_millis()).ok()?;
        let left = u64::from(of.saturating_sub(done));
        (sent > 0).then(|| millis.saturating_mul(left) / sent / 1000)
    }
}

impl Run<'_> {
    /// Takes the image to where the meter activates it, from wherever it stands.
    pub(super) async fn transfer<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
    ) -> Result<After, Fault> {
        let identifier = self.identifier();
        let block_size = self.block_size(session).await?;
        let says = Says {
            status: session.status().await?,
            block_size,
            bitmap: session.bitmap().await?,
            first_missing: session.first_missing().await?,
            ready: session.to_activate().await?,
        };
        let next = resume::next(&self.state, &says, &identifier);
        match next {
            // What waits for its time does not restart before it.
            Next::Restart if self.state.activating.at.is_some_and(|at| session.now() < at) => {
                return self.order(session).await;
            }
            Next::Restart => return Ok(After::Restart),
            Next::Initiate(why) => {
                if self.state.initiated.is_some() {
                    session.remark(format!("the transfer begins again: {why}"));
                }
                self.enable(session).await?;
                self.initiate(session, block_size).await?;
                if let Some(why) = session.too_long(block_size) {
                    session.remark(why);
                }
                self.send_all(session, None, None).await?;
                self.verify_whole(session, false).await?;
            }
            Next::Blocks => {
                self.enable(session).await?;
                let is_blank =
                    self.state.initiated.as_ref().is_some_and(|one| resume::has_reached(one, &says));
                let bitmap = says.bitmap.filter(|_| !is_blank);
                self.send_all(session, bitmap, says.first_missing).await?;
                self.verify_whole(session, false).await?;
            }
            Next::Verify => self.verify_whole(session, true).await?,
            Next::Compare => {}
        }
        self.compare(session).await?;
        self.order(session).await
    }

    /// The size of a block; some meters say it only once image transfer is enabled.
    async fn block_size<L: Link>(&mut self, session: &mut ImageSession<'_, '_, L>) -> Result<u32, Fault> {
        match session.block_size().await {
            Err(fault) if fault.blame == Blame::Meter && session.is_enabled().await? == Some(false) => {
                self.enable(session).await?;
                session.block_size().await.map_err(|_| fault)
            }
            other => other,
        }
    }

    async fn enable<L: Link>(&mut self, session: &mut ImageSession<'_, '_, L>) -> Result<(), Fault> {
        self.go_to(session, FlashPhase::Enable)?;
        if session.is_enabled().await? == Some(true) {
            return Ok(());
        }
        match session.enable().await {
            // Where the attribute cannot be written the transfer may go all the same: the next order tells.
            Err(fault) if fault.blame == Blame::Meter && !fault.passing => {
                session.remark(format!("image transfer could not be enabled: {}", fault.message));
                Ok(())
            }
            other => other,
        }
    }

    async fn initiate<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
        block_size: u32,
    ) -> Result<(), Fault> {
        self.journal.may_go_on()?;
        let manifest = self.plan.package.manifest();
        let size = u32::try_from(manifest.size).map_err(|_| Fault::user("the image is too long", ""))?;
        // Whatever stands in the meter is given up from here on.
        self.state.give_up_transfer();
        self.go_to(session, FlashPhase::Initiate)?;
        let identifier = self.identifier();
        let mut offers = 0;
        loop {
            offers += 1;
            match session.initiate(&identifier, size).await? {
                Invoked::Done => break,
                Invoked::Busy if offers < OFFERS => session.pause().await,
                Invoked::Busy => return Err(busy("to initiate the transfer")),
                Invoked::Refused(why) => {
                    return Err(Fault::meter(
                        format!("the meter does not take the image ({size} bytes): {why}"),
                        "see whether it has room for it, whether the image is for this model, and whether this client may",
                    ));
                }
            }
        }
        let others = resume::others(session.to_activate().await?.as_ref(), &identifier);
        self.state.initiations += 1;
        let blocks = size.div_ceil(block_size);
        self.state.initiated = Some(Initiated { block_size, blocks, others, ..Initiated::default() });
        self.keep()?;
        let brings = &self.plan.package.manifest().version;
        session.wrote(&format!(
            "firmware {brings} (package {}) initiated, {blocks} blocks of {block_size} bytes",
            short_id(&self.plan.package.id())
        ))?;
        if let Some(reason) = &self.plan.downgrade {
            session.wrote(&format!("downgrade to firmware {brings} allowed: {reason}"))?;
        }
        Ok(())
    }

    /// Sends what the meter misses, in order, then sweeps what it lost.
    async fn send_all<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
        bitmap: Option<Bits>,
        first_missing: Option<u32>,
    ) -> Result<(), Fault> {
        let Some(transfer) = self.state.initiated.clone() else { return Ok(()) };
        let reached = transfer.horizon;
        let first = match first_missing {
            Some(first) if (transfer.taken..=transfer.horizon).contains(&first) => first,
            _ => transfer.taken,
        };
        let mut pump = match &bitmap {
            Some(bits) => Pump::new(transfer.blocks, |number| bits.has(number)),
            None => Pump::new(transfer.blocks, |number| number < first),
        };
        self.go_to(session, FlashPhase::Blocks)?;
        let sent = self.send(session, &mut pump).await;
        // What was announced and not reached was certainly not sent.
        if let (Some(transfer), Some(last)) = (&mut self.state.initiated, pump.last) {
            transfer.horizon = transfer.horizon.min((last + 1).max(reached));
        }
        self.tell(session, &mut pump, true)?;
        sent?;
        self.sweep(session).await
    }

    async fn send<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
        pump: &mut Pump,
    ) -> Result<(), Fault> {
        for number in pump.missing() {
            self.journal.may_go_on()?;
            self.announce(number)?;
            pump.last = Some(number);
            let sent = self.send_one(session, number).await;
            // A meter that has taken one block takes blocks of that size.
            let is_first = pump.count() == 0;
            let size = self.state.initiated.as_ref().map_or(0, |transfer| transfer.block_size);
            sent.map_err(|fault| if is_first { session.fault_of_length(fault, size) } else { fault })?;
            pump.took(number);
            self.tell(session, pump, false)?;
        }
        Ok(())
    }

    /// Keeps that blocks up to a little beyond this one may be sent from now on.
    fn announce(&mut self, number: u32) -> Result<(), Fault> {
        let Some(transfer) = &mut self.state.initiated else { return Ok(()) };
        if number < transfer.horizon {
            return Ok(());
        }
        transfer.horizon = number.saturating_add(AHEAD).min(transfer.blocks);
        self.keep()
    }

    async fn send_one<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
        number: u32,
    ) -> Result<(), Fault> {
        let size = self.state.initiated.as_ref().map_or(1, |transfer| transfer.block_size);
        let at = u64::from(number) * u64::from(size);
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        let mut bytes = self.plan.package.image(at, length).map_err(|error| package_fault(&error))?;
        for _ in 0..OFFERS {
            self.state.sent += 1;
            match session.send_block(number, bytes.clone()).await? {
                Invoked::Done => return Ok(()),
                Invoked::Busy => session.pause().await,
                // Some meters want the last block as long as the others; how long the image is they were told before.
                Invoked::Refused(why) if bytes.len() < length => {
                    session.remark(format!(
                        "the short last block was refused ({why}): it is filled with noughts"
                    ));
                    bytes.resize(length, 0);
                }
                Invoked::Refused(why) => {
                    return Err(Fault::meter(
                        format!("the meter refused block {number}: {why}"),
                        "see whether it has room for the image; the flash goes on with this block when it is asked to",
                    ));
                }
            }
        }
        Err(busy(&format!("for block {number}")))
    }

    /// Tells how many blocks there are, and keeps it, now and then.
    fn tell<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
        pump: &mut Pump,
        at_once: bool,
    ) -> Result<(), Fault> {
        let Some(transfer) = &mut self.state.initiated else { return Ok(()) };
        let now = Instant::now();
        if !at_once && pump.told.is_some_and(|told| now.duration_since(told) < TELL_EVERY) {
            return Ok(());
        }
        pump.told = Some(now);
        transfer.taken = pump.count();
        let (done, of) = (transfer.taken, transfer.blocks);
        session.step(Step::Blocks { done, of, seconds_left: pump.seconds_left(done, of) });
        self.keep()
    }

    /// Sends what the bitmap says is missing until nothing is.
    async fn sweep<L: Link>(&mut self, session: &mut ImageSession<'_, '_, L>) -> Result<(), Fault> {
        let blocks = self.state.blocks().1;
        let (mut fewest, mut idle) = (u32::MAX, 0);
        loop {
            let Some(bits) = session.bitmap().await? else { return self.sweep_by_first(session).await };
            let mut pump = Pump::new(blocks, |number| bits.has(number));
            let missing = blocks - pump.count();
            if missing == 0 {
                return Ok(());
            }
            idle = if missing < fewest { 0 } else { idle + 1 };
            fewest = fewest.min(missing);
            if idle >= SWEEPS {
                return Err(Fault::meter(
                    format!(
                        "the meter still misses {missing} of {blocks} blocks after they were sent again and again"
                    ),
                    "see whether it has room for the image",
                ));
            }
            self.go_to(session, FlashPhase::Sweep)?;
            if missing == blocks && !self.keeps_bitmap(session, &mut pump).await? {
                session.remark(
                    "the meter does not say which blocks it has: the verification has to tell".to_owned(),
                );
                return Ok(());
            }
            let sent = self.send(session, &mut pump).await;
            self.tell(session, &mut pump, true)?;
            sent?;
        }
    }

    /// Where the bitmap shows nothing of all that was sent: whether it shows one block more.
    async fn keeps_bitmap<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
        pump: &mut Pump,
    ) -> Result<bool, Fault> {
        self.send_one(session, 0).await?;
        pump.took(0);
        Ok(session.bitmap().await?.is_some_and(|bits| bits.has(0)))
    }

    /// Without a bitmap: what the meter says is the first, until it stays where it is.
    async fn sweep_by_first<L: Link>(&mut self, session: &mut ImageSession<'_, '_, L>) -> Result<(), Fault> {
        let blocks = self.state.blocks().1;
        let mut last = None;
        while let Some(first) = session.first_missing().await?.filter(|first| *first < blocks) {
            if last == Some(first) {
                // It errs (`facts/dlms-quirks.md`, 87): the verification has to tell.
                return Ok(());
            }
            last = Some(first);
            self.go_to(session, FlashPhase::Sweep)?;
            self.journal.may_go_on()?;
            self.send_one(session, first).await?;
        }
        Ok(())
    }

    /// Has the image verified; blocks that turn out to be missing are sent and it is verified again.
    async fn verify_whole<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
        is_at_it: bool,
    ) -> Result<(), Fault> {
        let mut is_at_it = is_at_it;
        for _ in 0..VERIFICATIONS {
            self.go_to(session, FlashPhase::Verify)?;
            let Some(why) = self.verify(session, is_at_it).await? else {
                if let Some(transfer) = &mut self.state.initiated {
                    transfer.verified = true;
                }
                return self.keep();
            };
            is_at_it = false;
            let blocks = self.state.blocks().1;
            let bits = session.bitmap().await?;
            let misses_some = bits.is_some_and(|bits| {
                let have = (0..blocks).filter(|number| bits.has(*number)).count();
                have > 0 && have < usize::try_from(blocks).unwrap_or(usize::MAX)
            });
            if !misses_some {
                self.state.give_up_transfer();
                return Err(Fault::meter(
                    format!("the meter says that the image is not sound: {why}"),
                    "nothing was activated; see whether the image is for this model and hardware",
                ));
            }
            self.sweep(session).await?;
        }
        Err(Fault::meter("the meter keeps losing blocks", "nothing was activated; try again later"))
    }

    /// Why the image is not sound; nothing where it is.
    async fn verify<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
        is_at_it: bool,
    ) -> Result<Option<String>, Fault> {
        let limit = self.access.template.firmware.verify_seconds;
        let deadline = Instant::now() + Duration::from_secs(limit.into());
        let mut ask = !is_at_it;
        let mut claims = 0;
        let (mut looks, mut ask_after) = (0, ASK_AGAIN);
        loop {
            self.journal.may_go_on()?;
            let answer = if ask { Some(session.verify().await?) } else { None };
            match (answer, session.status().await?) {
                (_, Some(status::VERIFIED)) => return Ok(None),
                (_, Some(status::VERIFY_FAILED)) => return Ok(Some("verification failed".to_owned())),
                // Some meters come to their verdict only when they are asked for it once more; others begin from the
                // start then, so that they are left longer and longer alone.
                (_, Some(status::VERIFYING)) => {
                    looks += 1;
                    ask = looks == ask_after;
                    if ask {
                        (looks, ask_after) = (0, ask_after * 2);
                    }
                }
                // It says that it is done, and its status lags behind: that is looked at a few times.
                (Some(Invoked::Done), Some(status::INITIATED)) => (ask, claims) = (false, 1),
                (None, Some(status::INITIATED)) if (1..CLAIMS).contains(&claims) => claims += 1,
                (Some(Invoked::Done), _) => return Ok(None),
                (None, Some(status::INITIATED)) if claims == CLAIMS => return Ok(None),
                (Some(Invoked::Refused(why)), _) => return Ok(Some(why)),
                // It is not at it, or does not say: asking again does no harm.
                (Some(Invoked::Busy) | None, _) => ask = true,
            }
            if Instant::now() >= deadline {
                return Err(Fault::meter(
                    format!("the meter did not end its verification within {limit} s"),
                    "the flash goes on with it when it is asked to",
                ));
            }
            session.pause().await;
        }
    }

    /// Compares what the meter would activate with the package: a hard stop on any difference.
    async fn compare<L: Link>(&mut self, session: &mut ImageSession<'_, '_, L>) -> Result<(), Fault> {
        self.go_to(session, FlashPhase::Compare)?;
        let manifest = self.plan.package.manifest();
        let ready = session.to_activate().await?;
        let Some(ready) = ready.filter(|ready| !ready.is_empty()) else {
            session.remark(
                "the meter does not say what it would activate: the version afterwards has to tell"
                    .to_owned(),
            );
            return Ok(());
        };
        let mut difference = None;
        for one in
            ready.iter().filter(|one| one.size > 0 || one.identification == manifest.image_identifier.0)
        {
            let (named, signed) = (Hex(one.identification.clone()), Hex(one.signature.clone()));
            if named != manifest.image_identifier {
                difference =
                    Some(format!("image {named}, and the package has {}", manifest.image_identifier));
            } else if one.size != manifest.size {
                difference = Some(format!("{} bytes, and the image has {}", one.size, manifest.size));
            } else if manifest.image_signature.as_ref().is_some_and(|wanted| *wanted != signed) {
                difference = Some(format!("an image signed {signed}, which is not the package's"));
            }
        }
        if !resume::names(&ready, &manifest.image_identifier.0) && difference.is_none() {
            difference = Some(format!("no image {}", manifest.image_identifier));
        }
        let Some(difference) = difference else { return Ok(()) };
        self.state.give_up_transfer();
        Err(Fault::meter(
            format!("the meter would activate something else: {difference}"),
            "nothing was activated; the next attempt transfers the image anew",
        ))
    }

    /// Gives the order that the plan wants.
    async fn order<L: Link>(&mut self, session: &mut ImageSession<'_, '_, L>) -> Result<After, Fault> {
        match self.plan.activation {
            Activation::Never => {
                self.state.outcome = FlashOutcome::Ready;
                "the image is in the meter, verified; nothing activates it"
                    .clone_into(&mut self.state.message);
                self.keep()?;
                Ok(After::Nothing)
            }
            Activation::At(at) => self.arm(session, at).await,
            Activation::Now => {
                self.journal.may_go_on()?;
                self.activate(session).await
            }
        }
    }

    async fn arm<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
        at: Timestamp,
    ) -> Result<After, Fault> {
        let now = session.now();
        let is_armed = self.state.activating.at == Some(at);
        if at <= now && is_armed {
            return Ok(After::Restart);
        }
        if at <= now {
            return Err(Fault::user(format!("the time of activation {at} has gone by"), "activate it now"));
        }
        if !is_armed {
            self.go_to(session, FlashPhase::Activate)?;
            self.state.activating = super::state::Activating { told: true, agreed: true, at: Some(at) };
            self.keep()?;
            if let Err(fault) = session.arm(at).await {
                if fault.blame != Blame::Line {
                    self.state.activating = super::state::Activating::default();
                } else {
                    self.state.activating.at = None;
                }
                return Err(fault);
            }
        }
        self.state.outcome = FlashOutcome::Scheduled;
        self.state.message = format!("the image is in the meter, verified; it takes over at {at}");
        self.keep()?;
        Ok(After::Nothing)
    }

    /// Has the image activated. That no answer comes is no failure: the meter may have restarted before it gave one.
    pub(super) async fn activate<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
    ) -> Result<After, Fault> {
        self.go_to(session, FlashPhase::Activate)?;
        self.state.activating.told = true;
        self.keep()?;
        session.wrote(&format!("activation of firmware {} ordered", self.plan.package.manifest().version))?;
        match session.activate().await {
            Ok(Invoked::Done) => self.state.activating.agreed = true,
            // It may be at it already, or want to be asked again: looking at it tells.
            Ok(Invoked::Busy) => {}
            Ok(Invoked::Refused(why)) => {
                let now = session.status().await?;
                if !matches!(now, Some(status::ACTIVATING | status::ACTIVATED)) {
                    self.state.activating.told = false;
                    return Err(Fault::meter(
                        format!("the meter refused to activate the image: {why}"),
                        "the image stays in the meter, verified; try again, or look into the meter's event log",
                    ));
                }
                self.state.activating.agreed = true;
            }
            Err(fault) if fault.blame == Blame::User => return Err(fault),
            Err(_) => {}
        }
        self.keep()?;
        Ok(After::Restart)
    }
}

fn busy(what: &str) -> Fault {
    Fault::meter(
        format!("the meter stays too busy {what}"),
        "try again later; the flash goes on where it stands",
    )
    .passing(true)
}

/// The first bytes of a package's id, for people.
pub(super) fn short_id(id: &[u8; 32]) -> String {
    Hex(id.iter().take(6).copied().collect()).to_string()
}
