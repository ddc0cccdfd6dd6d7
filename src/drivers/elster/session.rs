//! One session with one meter: sign-on, password, tables.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::drivers::{MeterAccess, ReadSink};
use crate::model::template::{FlagLayout, FlagTuning};
use crate::model::{Blame, ClockRule, Fault, Identity, Step};
use crate::protocol::elster_flag::{
    Answer, Care, Command, FlagError, FlagLine, OPENING, PASSWORD_CHARACTERS, Place, Plate, packets,
    transform,
};

use super::faults::{line_fault, refusal};
use super::{clock, identity};

/// Times that a command is said again after the password was renewed.
const RENEWALS: u32 = 2;

/// A session with one meter.
pub(super) struct Session<'a, L> {
    line: &'a mut L,
    pub(super) access: &'a MeterAccess,
    pub(super) sink: &'a mut dyn ReadSink,
    /// How the meter's wall time is meant.
    pub(super) rule: ClockRule,
    /// What the meter says of itself, as far as it was read.
    pub(super) identity: Identity,
    plate: Option<Plate>,
    password: Option<[u8; PASSWORD_CHARACTERS]>,
    seed: Option<[u8; 8]>,
    authenticated: Option<Instant>,
    every: Duration,
    /// Whether the meter waits for a break.
    is_open: bool,
}

impl<'a, L: FlagLine> Session<'a, L> {
    /// A session that has not begun.
    ///
    /// # Errors
    /// The password is none of these meters', or the time zone does not exist.
    pub(super) fn new(
        line: &'a mut L,
        access: &'a MeterAccess,
        sink: &'a mut dyn ReadSink,
    ) -> Result<Self, Fault> {
        let password = match &access.secrets.password {
            None => None,
            Some(secret) => Some(<[u8; PASSWORD_CHARACTERS]>::try_from(secret.expose()).map_err(|_| {
                Fault::user(
                    "the password of an Elster meter has exactly eight characters",
                    "enter it again: capital letters and digits",
                )
            })?),
        };
        let every = Duration::from_secs(access.template.flag.authenticate_every_seconds.into());
        let rule = clock::rule(&access.config, &access.template)?;
        Ok(Self {
            line,
            access,
            sink,
            rule,
            identity: Identity::default(),
            plate: None,
            password,
            seed: None,
            authenticated: None,
            every,
            is_open: false,
        })
    }

    /// The template's section.
    pub(super) fn flag(&self) -> &'a FlagTuning {
        &self.access.template.flag
    }

    pub(super) fn now(&self) -> Timestamp {
        self.sink.now()
    }

    /// The password is renewed so often from here on.
    pub(super) fn renew_every(&mut self, every: Duration) {
        self.every = every;
    }

    /// The layout of the meter's tables, by its device number; nothing where the model has one only, or the meter named
    /// none.
    pub(super) fn layout(&self) -> Option<&'a FlagLayout> {
        let plate = self.plate.as_ref();
        let (device, issue) = plate.map_or(("*", "*"), |plate| (plate.device.as_str(), plate.issue.as_str()));
        self.flag().layout(device, issue)
    }

    /// Signs on, looks who answers, and authenticates.
    ///
    /// # Errors
    /// Nobody answers, it is another model or another meter, or it refuses the password.
    pub(super) async fn open(&mut self) -> Result<(), Fault> {
        self.sink.step(Step::Opening);
        self.line.open().await.map_err(line_fault)?;
        self.sink.step(Step::SigningOn);
        let outstation = self.access.config.address.map(|address| address.logical.to_string());
        let signed_on = self.line.sign_on(&outstation.unwrap_or_default()).await.map_err(line_fault)?;
        self.is_open = true;
        self.seed = signed_on.seed;
        self.plate = Plate::of(&signed_on.identification);
        self.check_model(&signed_on.identification.to_string())?;
        self.sink.step(Step::Associating);
        self.begin_authentication().await?;
        // Who it is, before a password is sent to it and anything is stored in its name.
        self.read_serial().await?;
        self.authenticate().await
    }

    /// Whether the meter is of the template's model, as far as models name themselves.
    fn check_model(&mut self, said: &str) -> Result<(), Fault> {
        let flag = self.flag();
        let Some(plate) = &self.plate else {
            if flag.ranges.is_empty() {
                self.sink.remark(format!("the sign-on {said} names no product range"));
                return Ok(());
            }
            return Err(Fault::meter(
                format!("the meter says that it is {said}, which is no {} of Elster", flag.model),
                "choose the template of its model",
            ));
        };
        let is_this = flag.ranges.is_empty() && plate.model().is_none_or(|model| model == flag.model)
            || flag.ranges.contains(&plate.range);
        if is_this {
            return Ok(());
        }
        let is = plate.model().map_or_else(|| "another model".to_owned(), |model| format!("an {model}"));
        Err(Fault::meter(
            format!(
                "the meter says that it is {is} ({plate}), and its template is that of the {}",
                flag.model
            ),
            "choose the template of its model: the same table holds other figures there",
        ))
    }

    /// Opens the meter as far as anybody may: far enough for its serial number.
    async fn begin_authentication(&mut self) -> Result<(), Fault> {
        if self.seed.is_none() {
            return Err(Fault::meter(
                "the meter sent no seed for the password",
                "try again; if it stays, the meter is of a kind that this program does not know",
            )
            .passing(true));
        }
        let asked = self.line.ask(&Command::transformed(OPENING), Care::Password).await;
        if asked.map_err(line_fault)? != Answer::Ack {
            self.sink.remark("the meter does not take the opening without a password".to_owned());
        }
        self.authenticated = Some(Instant::now());
        Ok(())
    }

    /// Sends the password; where there is none, what opens the meter without.
    async fn authenticate(&mut self) -> Result<(), Fault> {
        let (Some(password), Some(seed)) = (self.password, self.seed) else {
            return self.begin_authentication().await;
        };
        let proof = transform(password, seed);
        let answer = self.line.ask(&Command::transformed(proof), Care::Password).await;
        if answer.map_err(line_fault)? != Answer::Ack {
            return Err(Fault::meter(
                "the meter refuses the password",
                "check it (eight characters); it is not tried again by itself, since the meter may lock after several \
                 wrong ones",
            ));
        }
        self.authenticated = Some(Instant::now());
        Ok(())
    }

    /// Renews the password where its time is nearly over.
    async fn keep_authenticated(&mut self) -> Result<(), Fault> {
        match self.authenticated {
            Some(at) if at.elapsed() < self.every => Ok(()),
            _ => self.authenticate().await,
        }
    }

    /// Sends a command with rights that hold. An ERR5 in the middle of a session says that they have run out.
    pub(super) async fn ask(&mut self, command: &Command, care: Care) -> Result<Answer, Fault> {
        self.keep_authenticated().await?;
        let mut renewals = 0;
        loop {
            let answer = self.line.ask(command, care).await.map_err(line_fault)?;
            let may_be_renewed = match answer {
                Answer::Error(FlagError::LOCKED) => self.password.is_some() && renewals == 0,
                Answer::Error(FlagError::COMMUNICATION) => renewals < RENEWALS,
                _ => false,
            };
            if !may_be_renewed {
                return Ok(answer);
            }
            renewals += 1;
            self.authenticate().await?;
        }
    }

    /// Reads octets of one packet.
    pub(super) async fn read_packet(&mut self, place: Place, bytes: u8) -> Result<Answer, Fault> {
        let answer = self.ask(&Command::Read { place, bytes }, Care::Repeat).await?;
        if let Answer::Data(data) = &answer
            && data.len() != usize::from(bytes)
        {
            return Err(Fault::meter(
                format!("the meter gave {} octets of {place} where {bytes} were asked for", data.len()),
                "look at the answer in the job's trace; another template may suit this model",
            )
            .passing(true));
        }
        Ok(answer)
    }

    /// Reads a table; nothing where the meter says that it has none.
    ///
    /// # Errors
    /// The meter refused otherwise, or the session broke off.
    pub(super) async fn read_table(&mut self, identity: u16, bytes: u16) -> Result<Option<Vec<u8>>, Fault> {
        let mut table = Vec::with_capacity(bytes.into());
        for (place, asked) in packets(identity, 1, bytes) {
            match self.read_packet(place, asked).await? {
                Answer::Data(data) => table.extend(data),
                Answer::Error(error) if error.is_absence() => return Ok(None),
                other => return Err(refusal(&format!("table {identity}"), &other)),
            }
        }
        Ok(Some(table))
    }

    /// Writes octets to a packet; only an ACK is success.
    ///
    /// # Errors
    /// The meter refused, or the session broke off.
    pub(super) async fn write(&mut self, command: &Command, what: &str, care: Care) -> Result<(), Fault> {
        match self.ask(command, care).await? {
            Answer::Ack => Ok(()),
            other => Err(refusal(what, &other)),
        }
    }

    /// Waits.
    pub(super) async fn pause(&mut self, wait: Duration) -> Result<(), Fault> {
        self.line.pause(wait).await.map_err(line_fault)
    }

    /// The meter restarts: it wants no goodbye.
    pub(super) const fn expects_no_goodbye(&mut self) {
        self.is_open = false;
    }

    /// Ends the billing period.
    pub(super) async fn end_billing(&mut self, digits: &str) -> Result<(), Fault> {
        /// What ends a billing period (section 12.1).
        const END_OF_BILLING: u16 = 655;
        self.sink.wrote("end of the billing period (table 655)")?;
        let command = Command::Write { place: Place::first(END_OF_BILLING), digits: digits.to_owned() };
        self.write(&command, "the end of the billing period", Care::Once).await?;
        self.sink.outcome("The billing period is ended: the meter acknowledged it".to_owned());
        Ok(())
    }

    /// Reads the serial number and hands it over: the sink knows which meter was meant.
    async fn read_serial(&mut self) -> Result<(), Fault> {
        let Some(text) = self.flag().identity.iter().find(|one| one.role == "serial") else { return Ok(()) };
        let Some(octets) = self.read_table(text.id, text.bytes).await? else { return Ok(()) };
        self.identity.maker = Some("GEC".to_owned());
        self.identity.model = Some(self.flag().model.clone());
        identity::fill(&mut self.identity, text, &octets);
        self.sink.identity(&self.identity)
    }

    /// Reads all plate data.
    pub(super) async fn read_plate(&mut self) -> Result<(), Fault> {
        for text in self.flag().identity.iter().filter(|one| one.role != "serial") {
            if let Some(octets) = self.read_table(text.id, text.bytes).await? {
                identity::fill(&mut self.identity, text, &octets);
            }
        }
        if let Some(plate) = &self.plate {
            self.identity.more.push(("Sign-on".to_owned(), plate.to_string()));
        }
        if let Some(layout) = self.layout() {
            self.identity.more.push(("Layout".to_owned(), layout.name.clone()));
        }
        self.sink.identity(&self.identity)
    }

    /// Says goodbye, unless the line is gone.
    pub(super) async fn close(&mut self, fault: Option<&Fault>) {
        let is_gone = fault.is_some_and(|fault| fault.blame == Blame::Line);
        if self.is_open && !is_gone {
            self.sink.step(Step::Releasing);
        }
        self.line.close(self.is_open).await;
        self.is_open = false;
    }
}
