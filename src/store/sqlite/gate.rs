//! What privacy lets through: suppression and consent, asked inside the transaction that acts on the answer.

use std::cell::Cell;
use std::rc::Rc;

use connector::Timestamp;

use super::consent;
use super::fault::{Fallible, Fault};
use super::identity::identifiers_of;
use super::intents::Row;
use super::session::Session;
use super::suppression;
use crate::model::{
    ConsentDecision, Consents, Identifier, MessageConsent, Privacy, Purpose, SuppressionHash, SuppressionKey, Whose,
};

/// Opened once per operation: most stores have no suppression and little consent to ask about.
pub(super) struct Gate<'s, 'c> {
    session: &'s Session<'c>,
    privacy: &'s Privacy,
    lists: Rc<Lists>,
}

/// Whether there is anything to ask about. Read once a session.
#[derive(Debug)]
pub(super) struct Lists {
    /// Every key that a hash on the list was made with; empty where the list is.
    keys: Vec<SuppressionKey>,
    /// Set by the first decision, which may be one of this very session.
    has_consents: Cell<bool>,
}

/// What is done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Admission {
    pub(super) keep: bool,
    /// Whether its facts and traits may be used.
    pub(super) counts: bool,
}

impl<'s, 'c> Gate<'s, 'c> {
    pub(super) fn open(session: &'s Session<'c>, privacy: &'s Privacy) -> Fallible<Self> {
        let lists = session.lists(|| {
            let keys = suppression::keys_in_use(session, privacy)?;
            let has_consents = Cell::new(session.number("SELECT 1 FROM consent LIMIT 1", [])? > 0);
            Ok(Lists { keys, has_consents })
        })?;
        Ok(Self { session, privacy, lists })
    }

    /// Whether anybody is on the suppression list.
    pub(super) fn may_suppress(&self) -> bool {
        !self.lists.keys.is_empty()
    }

    /// Whether any of these names somebody on the suppression list.
    pub(super) fn suppresses(&self, identifiers: &[Identifier]) -> Fallible<bool> {
        for key in &self.lists.keys {
            for hash in identifiers.iter().filter_map(|identifier| key.hash(identifier)) {
                if self.is_listed(&hash)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn is_listed(&self, hash: &SuppressionHash) -> Fallible<bool> {
        Ok(self.session.number("SELECT 1 FROM suppression WHERE hash = ?1", [hash])? > 0)
    }

    /// The same of a profile, by everything it is known by.
    pub(super) fn suppresses_profile(&self, profile: i64) -> Fallible<bool> {
        if self.lists.keys.is_empty() {
            return Ok(false);
        }
        self.suppresses(&identifiers_of(self.session, profile)?)
    }

    pub(super) fn consents(&self, profile: Option<i64>) -> Fallible<Consents> {
        let decisions = match profile.filter(|_| self.lists.has_consents.get()) {
            Some(profile) => consent::of_profile(self.session, profile)?,
            None => Vec::new(),
        };
        Ok(Consents { decisions, defaults: self.privacy.defaults })
    }

    /// What of a message is kept. The person's word and the message's own are both heard; a message about consent is kept
    /// whatever they say, and then counts for nothing else.
    pub(super) fn admit(&self, whose: &Whose, says: &MessageConsent) -> Fallible<Admission> {
        let refused = says.refused.contains(&Purpose::Analytics);
        if !self.lists.has_consents.get() && says.decisions.is_empty() {
            let analytics = self.privacy.defaults.analytics;
            return Ok(admission(says, analytics, refused));
        }
        let mut consents = Consents { decisions: Vec::new(), defaults: self.privacy.defaults };
        let profiles: Vec<i64> = match whose {
            Whose::Nobody | Whose::New => Vec::new(),
            Whose::Existing(profile) => vec![profile.0],
            Whose::Merge { survivor, losers } => losers.iter().chain([survivor]).map(|profile| profile.0).collect(),
        };
        for profile in profiles {
            consents.decisions.extend(self.consents(Some(profile))?.decisions);
        }
        consents.decisions.extend(says.decisions.iter().cloned());
        Ok(admission(says, consents.allows(Purpose::Analytics), refused))
    }

    /// Why an entry must not be sent now; `None` where it may. What only takes back is always sent.
    pub(super) fn withholds(&self, row: &Row) -> Fallible<Option<&'static str>> {
        if row.entry.intent.is_withdrawal() {
            return Ok(None);
        }
        if let Some(profile) = row.profile
            && let Some(reason) = self.withholds_profile(profile)?
        {
            return Ok(Some(reason));
        }
        let own = row.entry.intent.record.as_ref().filter(|record| record.object.is_person());
        let own = own.map(|record| Identifier::crm(&record.connection, &record.object, &record.id));
        Ok(if self.suppresses(own.as_slice())? { Some("suppressed") } else { None })
    }

    /// Why nothing of what is known of a profile may be told to a CRM; `None` where it may.
    fn withholds_profile(&self, profile: i64) -> Fallible<Option<&'static str>> {
        if self.suppresses_profile(profile)? {
            return Ok(Some("suppressed"));
        }
        let consents = self.consents(Some(profile))?;
        for (purpose, reason) in [(Purpose::Sales, "consent:sales"), (Purpose::Analytics, "consent:analytics")] {
            if !consents.allows(purpose) {
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }

    /// The same of a person's record, for what nobody has staged: nobody's (any more), or of many people, is not told of.
    pub(super) fn withholds_person(&self, profile: Option<i64>) -> Fallible<Option<&'static str>> {
        let Some(profile) = profile else { return Ok(Some("nobody")) };
        if self.session.number("SELECT shared FROM profile WHERE id = ?1", [profile])? > 0 {
            return Ok(Some("shared"));
        }
        self.withholds_profile(profile)
    }

    /// Whether there is anything that could be withheld at all.
    pub(super) fn may_withhold(&self) -> bool {
        let defaults = self.privacy.defaults;
        self.lists.has_consents.get() || !self.lists.keys.is_empty() || !defaults.sales || !defaults.analytics
    }

    pub(super) fn session(&self) -> &'s Session<'c> {
        self.session
    }

    /// Keeps what a message or a record says of a profile's consent; `true` where that changes what is allowed.
    pub(super) fn note(
        &self,
        profile: i64,
        event: Option<i64>,
        says: &[ConsentDecision],
        now: Timestamp,
    ) -> Fallible<bool> {
        if says.is_empty() {
            return Ok(false);
        }
        self.lists.has_consents.set(true);
        consent::add(self.session, self.privacy.defaults, profile, event, says, now)
    }
}

/// `analytics`: whether the person allows it. `refused`: whether the message does not.
fn admission(says: &MessageConsent, analytics: bool, refused: bool) -> Admission {
    Admission { keep: says.is_about_consent || (analytics && !refused), counts: analytics && says.may_count() }
}

/// The list was made with a key that is not at hand: nothing may be taken in or sent that cannot be asked about.
pub(super) fn without_key() -> Fault {
    Fault::Refused(
        "the suppression list was made with another key than [privacy] suppression_key names now; put that key back"
            .into(),
    )
}
