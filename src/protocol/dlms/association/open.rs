//! Opening an association: AARQ, AARE, and the proofs of high-level authentication.

use crate::model::{Auth, Secret, Security, Step, SystemTitle};
use crate::protocol::link::{Link, LinkError};

use super::super::apdu::{
    Aare, Aarq, ActionRequest, ActionResponse, Apdu, ApplicationContext, AssociateResult, Conformance,
    Diagnostic, GetResult, InitiateRequest, InitiateResponse, ServiceKey, authentication_mechanism,
};
use super::super::data::Data;
use super::super::reference::MethodRef;
use super::super::security::{CipherContext, Handshake, SecurityError, SuiteKey, random};
use super::session::{Cipher, Doubt, Session, State, is_silence, senseless, unexpected};
use super::synchronise::synchronise;
use super::{AssociationConfig, CounterStore, DlmsError, Negotiated};

/// Why an attempt failed, and whether the invocation counter may be to blame.
pub(super) struct Failure {
    pub(super) error: DlmsError,
    pub(super) doubt: Doubt,
    /// The last counter that the attempt used.
    pub(super) used: Option<u32>,
}

/// Opens the link and the association; once more after the counter was synchronised.
pub(super) async fn establish<L: Link>(
    link: &mut L,
    config: &AssociationConfig,
    counters: &mut dyn CounterStore,
    step: &mut dyn FnMut(Step),
) -> Result<(State, Negotiated), DlmsError> {
    let failure = match attempt(link, config, counters, step).await {
        Ok(open) => return Ok(open),
        Err(failure) => failure,
    };
    let synchronised = synchronise(link, config, counters, failure, step).await;
    let second = match synchronised {
        Ok(()) => attempt(link, config, counters, step).await.map_err(|failure| failure.error),
        Err(error) => Err(error),
    };
    if second.is_err() {
        link.disconnect().await;
    }
    second
}

/// One attempt.
pub(super) async fn attempt<L: Link>(
    link: &mut L,
    config: &AssociationConfig,
    counters: &mut dyn CounterStore,
    step: &mut dyn FnMut(Step),
) -> Result<(State, Negotiated), Failure> {
    let plain = |error: DlmsError| Failure { error, doubt: Doubt::None, used: None };
    let keys = keys(config).map_err(plain)?;
    let cipher = keys.as_ref().filter(|_| config.security != Security::None).map(|keys| {
        let mut context = CipherContext::new(config.security, config.client_title, keys.clone());
        context.peer_title = config.server_title;
        Cipher {
            context,
            form: config.tuning.ciphering,
            omit_title: config.tuning.omit_title_in_general,
            dedicated_counter: 0,
            reserved: None,
        }
    });
    step(Step::Linking);
    link.connect(config.client).await.map_err(|error| plain(error.into()))?;
    step(Step::Associating);
    let mut session = Session { link, counters, state: State::new(config, cipher) };
    match session.associate(config, keys.as_ref()).await {
        Ok(negotiated) => Ok((session.state, negotiated)),
        Err(error) => {
            let used = session.state.last_counter;
            let doubt = match session.state.doubt {
                Doubt::None if used.is_some() && is_silence(&error) => Doubt::Suspect,
                doubt => doubt,
            };
            Err(Failure { error, doubt, used })
        }
    }
}

/// The keys, where ciphering or GMAC needs them; an error where something else is missing.
fn keys(config: &AssociationConfig) -> Result<Option<SuiteKey>, DlmsError> {
    match config.auth {
        Auth::HighEcdsa => {
            return Err(DlmsError::Setting(
                "authentication high-ecdsa belongs to security suites 1 and 2, which are not supported"
                    .to_owned(),
            ));
        }
        Auth::Low | Auth::HighMd5 | Auth::HighSha1 | Auth::HighSha256 => {
            config.password()?;
        }
        Auth::None | Auth::HighGmac => {}
    }
    if config.security != Security::None || config.auth == Auth::HighGmac {
        return config.suite_key().map(Some);
    }
    Ok(None)
}

impl<L: Link> Session<'_, L> {
    async fn associate(
        &mut self,
        config: &AssociationConfig,
        keys: Option<&SuiteKey>,
    ) -> Result<Negotiated, DlmsError> {
        if config.tuning.pre_established {
            let nothing_said = InitiateResponse {
                quality: None,
                dlms_version: 6,
                conformance: config.proposal(),
                max_pdu: 0,
                vaa_name: 7,
            };
            return self.agree(config, &nothing_said, config.server_title, None);
        }
        let is_high = !matches!(config.auth, Auth::None | Auth::Low);
        let challenge = if is_high { random(config.tuning.challenge_bytes.into())? } else { Vec::new() };
        let wants_own_key = config.tuning.dedicated_key && self.state.cipher.is_some();
        let dedicated = if wants_own_key { Some(Secret::new(random(16)?)) } else { None };
        let aare = match self.ask(config, &challenge, dedicated.clone()).await {
            // Some meters answer the first request of a connection so, and the second one well
            // (`facts/dlms-quirks.md`, 29). Wrong keys and counters are not asked about twice.
            Err(DlmsError::Exception(words)) if self.state.doubt == Doubt::None => {
                self.state.remark(format!("{words}; asked once more"));
                self.ask(config, &challenge, dedicated.clone()).await?
            }
            answer => answer?,
        };
        let information = self.user_information(aare.user_information.as_deref())?;
        if aare.result != AssociateResult::ACCEPTED {
            return Err(self.rejected(&aare, information.as_ref(), config));
        }
        let from_envelope = self.state.cipher.as_ref().and_then(|cipher| cipher.context.peer_title);
        let title = title(&aare).or(from_envelope).or(config.server_title);
        let initiate = match information {
            Some(Apdu::InitiateResponse(initiate)) => initiate,
            Some(Apdu::ConfirmedServiceError(error)) => {
                return Err(DlmsError::Exception(format!("the association request: {error}")));
            }
            _ => {
                self.state.remark("the meter accepted the association and did not say what it can do");
                InitiateResponse {
                    quality: None,
                    dlms_version: 6,
                    conformance: config.proposal(),
                    max_pdu: 0,
                    vaa_name: 7,
                }
            }
        };
        let negotiated = self.agree(config, &initiate, title, dedicated.as_ref())?;
        if let Some(wrong) = aare.mechanism.filter(|found| *found != authentication_mechanism(config.auth)) {
            self.state
                .remark(format!("the meter names authentication mechanism {wrong}, not the one asked for"));
        }
        if is_high {
            let given = aare.authentication.as_ref().map_or(&[][..], |value| value.expose());
            let password = config.secrets.password.as_ref().map_or(&[][..], |secret| secret.expose());
            let handshake = Handshake {
                auth: config.auth,
                secret: password,
                key: keys,
                own_title: Some(config.client_title),
                peer_title: title,
                own_challenge: &challenge,
                peer_challenge: given,
            };
            self.prove(config, &handshake).await?;
        }
        Ok(negotiated)
    }

    fn aarq(
        &mut self,
        config: &AssociationConfig,
        challenge: &[u8],
        dedicated_key: Option<Secret>,
    ) -> Result<Aarq, DlmsError> {
        let ciphered = self.state.cipher.is_some();
        let initiate = Apdu::InitiateRequest(InitiateRequest {
            dedicated_key,
            response_allowed: true,
            quality: None,
            dlms_version: 6,
            conformance: config.proposal(),
            max_pdu: config.tuning.max_pdu,
        });
        let needs_title = ciphered || matches!(config.auth, Auth::HighGmac | Auth::HighSha256);
        Ok(Aarq {
            context: if ciphered {
                ApplicationContext::LOGICAL_NAMES_CIPHERED
            } else {
                ApplicationContext::LOGICAL_NAMES
            },
            calling_title: needs_title.then(|| config.client_title.0.to_vec()),
            user_id: None,
            mechanism: (config.auth != Auth::None).then(|| authentication_mechanism(config.auth)),
            authentication: match config.auth {
                Auth::None => None,
                Auth::Low => Some(config.password()?),
                _ => Some(Secret::new(challenge.to_vec())),
            },
            user_information: Some(self.protect(&initiate.encode(), ServiceKey::Global)?),
        })
    }

    async fn ask(
        &mut self,
        config: &AssociationConfig,
        challenge: &[u8],
        dedicated: Option<Secret>,
    ) -> Result<Aare, DlmsError> {
        let mut resends = self.link.resends();
        loop {
            let aarq = self.aarq(config, challenge, dedicated.clone())?;
            self.link.send(&Apdu::Aarq(aarq).encode()).await?;
            match self.aare().await {
                Err(DlmsError::Link(LinkError::Timeout { .. })) if resends > 0 => resends -= 1,
                answer => return answer.map_err(|error| self.state.behind_silence(error)),
            }
        }
    }

    /// The meter's answer to the AARQ.
    async fn aare(&mut self) -> Result<Aare, DlmsError> {
        let what = "the association request";
        let bytes = self.receive().await?;
        let (apdu, _) = Apdu::decode(&bytes).map_err(|error| senseless(&what, &error, &bytes))?;
        match apdu {
            Apdu::Aare(aare) => {
                if let Some(title) = &aare.responding_title
                    && let Some(cipher) = &mut self.state.cipher
                {
                    cipher.context.peer_title = <[u8; 8]>::try_from(title.as_slice()).ok().map(SystemTitle);
                }
                Ok(aare)
            }
            Apdu::ExceptionResponse(exception) => Err(self.state.refused(&exception, &what)),
            Apdu::ConfirmedServiceError(error) => Err(DlmsError::Exception(format!("{what}: {error}"))),
            other => Err(unexpected(&what, "another kind of APDU came", &other)),
        }
    }

    /// What is inside an AARE, out of its envelope. In a refusal it is often missing or wrong: then nothing.
    fn user_information(&mut self, bytes: Option<&[u8]>) -> Result<Option<Apdu>, DlmsError> {
        let Some(bytes) = bytes else { return Ok(None) };
        let Ok((apdu, _)) = Apdu::decode(bytes) else {
            self.state
                .remark("what the meter says of itself in its answer to the association makes no sense");
            return Ok(None);
        };
        let (Apdu::Ciphered(ciphered), Some(cipher)) = (&apdu, &mut self.state.cipher) else {
            if self.state.cipher.is_some() && matches!(apdu, Apdu::InitiateResponse(_)) {
                self.state.remark("the meter said in the clear what it can do, in a ciphered association");
            }
            return Ok(Some(apdu));
        };
        let plain = cipher.context.unprotect(ciphered)?;
        Ok(Apdu::decode(&plain).ok().map(|(apdu, _)| apdu))
    }

    /// Takes over what both ends can do.
    fn agree(
        &mut self,
        config: &AssociationConfig,
        initiate: &InitiateResponse,
        title: Option<SystemTitle>,
        dedicated: Option<&Secret>,
    ) -> Result<Negotiated, DlmsError> {
        if initiate.dlms_version != 6 {
            self.state.remark(format!("the meter speaks DLMS version {}, not 6", initiate.dlms_version));
        }
        let conformance = initiate.conformance & config.proposal();
        // Nought and 65535 are no limit.
        let limited = (1..u16::MAX).contains(&initiate.max_pdu);
        self.state.server_max_pdu = limited.then(|| initiate.max_pdu.into());
        let blocks = conformance.contains(Conformance::GENERAL_BLOCK_TRANSFER);
        self.state.block_window = blocks.then_some(config.requests.block_window);
        if let Some(cipher) = &mut self.state.cipher {
            cipher.context.peer_title = Some(title.ok_or(SecurityError::NoTitle)?);
            let key = dedicated.and_then(Secret::key);
            cipher.context.dedicated = key.map(|key| cipher.context.global.with_encryption(key));
        }
        Ok(Negotiated {
            conformance: conformance.bits(),
            server_max_pdu: if limited { initiate.max_pdu } else { 0 },
            dlms_version: initiate.dlms_version,
            server_title: title,
        })
    }

    /// Passes 3 and 4: our answer to the meter's challenge, its answer to ours.
    async fn prove(
        &mut self,
        config: &AssociationConfig,
        handshake: &Handshake<'_>,
    ) -> Result<(), DlmsError> {
        if handshake.peer_challenge.is_empty() {
            return Err(DlmsError::Refused {
                reason: "it accepted high-level authentication and sent no challenge".to_owned(),
                advice: "check the authentication setting: this client may have another one",
                passing: false,
            });
        }
        let counter = if config.auth == Auth::HighGmac { self.fresh_counter()? } else { 0 };
        if let Some(cipher) = &mut self.state.cipher
            && config.auth == Auth::HighGmac
            && !config.tuning.gmac_takes_counter
            && cipher.context.dedicated.is_none()
        {
            cipher.reserved = Some(counter);
        }
        let what = "proving who we are";
        let invoke = self.state.next_invoke();
        let request = Apdu::ActionRequest(ActionRequest::Normal {
            invoke,
            method: MethodRef { class_id: 15, obis: config.tuning.object, method: 1 },
            parameter: Some(Data::Octets(handshake.answer(counter)?)),
        });
        let outcome = match self.request(&request, invoke, &what).await? {
            Apdu::ActionResponse(ActionResponse::Normal { outcome, .. }) => outcome,
            other => return Err(unexpected(&what, "another kind of answer came", &other)),
        };
        if outcome.result.0 != 0 {
            return Err(DlmsError::Refused {
                reason: format!("it does not accept our proof ({})", outcome.result.words()),
                advice: "check the password or the keys, and the client address they belong to",
                // The challenge that it wants answered may be that of an answer that was lost.
                passing: self.link.resends() > 0,
            });
        }
        self.check_proof(config, handshake, outcome.returned.as_ref())
    }

    fn check_proof(
        &mut self,
        config: &AssociationConfig,
        handshake: &Handshake<'_>,
        returned: Option<&GetResult>,
    ) -> Result<(), DlmsError> {
        let value =
            returned.and_then(|returned| returned.as_ref().ok()).and_then(|value| value.decode().ok());
        let proof = value.as_ref().and_then(Data::bytes).unwrap_or_default();
        if proof.is_empty() {
            if config.tuning.accept_missing_proof {
                self.state.remark("the meter gave no proof of its own in high-level authentication");
                return Ok(());
            }
            return Err(DlmsError::Security(
                "the meter gave no proof of its own; if this model never does, its template must say so \
                 (accept_missing_proof)"
                    .to_owned(),
            ));
        }
        Ok(handshake.verify(proof)?)
    }

    fn rejected(&mut self, aare: &Aare, information: Option<&Apdu>, config: &AssociationConfig) -> DlmsError {
        if matches!(aare.diagnostic, Diagnostic::User(13)) && self.state.last_counter.is_some() {
            self.state.doubt = Doubt::Suspect;
        }
        let (mut reason, advice) = aare.diagnostic.words(config.auth);
        if let Some(Apdu::ConfirmedServiceError(error)) = information {
            reason = format!("{reason} ({error})");
            if (error.class, error.value) == (0, 6) {
                self.state.doubt = Doubt::Suspect;
            }
        }
        DlmsError::Refused { reason, advice, passing: aare.result == AssociateResult::REJECTED_TRANSIENT }
    }
}

fn title(aare: &Aare) -> Option<SystemTitle> {
    aare.responding_title.as_deref().and_then(|bytes| bytes.try_into().ok()).map(SystemTitle)
}

impl Diagnostic {
    /// Why an association was refused, and what to try.
    fn words(self, auth: Auth) -> (String, &'static str) {
        const CONTEXT: &str = "check the security setting: the meter may want ciphering, or none";
        const MECHANISM: &str = "choose the authentication that this client has in the meter";
        let (words, advice) = match self {
            Self::User(2) => ("the application context is not supported", CONTEXT),
            Self::User(3) => ("our system title is not recognised", "check this program's system title"),
            Self::User(4..=6) => {
                ("our user number or certificate is not recognised", "choose another client")
            }
            Self::User(7..=10) => ("the called title is not recognised", "check the meter's address"),
            Self::User(11) => ("the authentication mechanism is not recognised", MECHANISM),
            Self::User(12 | 14) => ("authentication is required", MECHANISM),
            Self::User(13) if auth == Auth::Low => (
                "it refused the password",
                "check the password and the client address it belongs to; many meters lock out after a few failures",
            ),
            Self::User(13) => (
                "authentication failed",
                "check the password or the keys, and the client address they belong to",
            ),
            Self::Provider(2) => ("no common version of the association service", "check the template"),
            Self::User(0 | 1) | Self::Provider(0 | 1) => {
                ("no reason given", "check client address, authentication and security, then try again later")
            }
            Self::User(_) | Self::Provider(_) => ("a reason that the standard does not name", CONTEXT),
        };
        let number = match self {
            Self::User(number) => format!("diagnostic {number}"),
            Self::Provider(number) => format!("provider diagnostic {number}"),
        };
        (format!("{words} ({number})"), advice)
    }
}
