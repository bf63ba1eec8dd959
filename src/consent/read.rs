//! From the words of a message to decisions: Segment's `context.consent`, RudderStack's `context.consentManagement`, the
//! subscription events, and Global Privacy Control.

use super::Policy;
use crate::expr::Json;
use crate::model::{Choice, ConsentDecision, Event, EventKind, MessageConsent, Purpose};

pub(super) fn message(policy: &Policy, event: &Event, gpc: bool) -> MessageConsent {
    let about = About::of(event);
    let mut read = MessageConsent { is_about_consent: about.is_some(), ..MessageConsent::default() };
    // Nearly all messages have no word of it and need not be parsed again.
    let stated = if !policy.categories.is_empty() && event.body.contains("\"consent") {
        Json::parse(&event.body).ok().map(|message| stated(policy, &message)).unwrap_or_default()
    } else {
        Vec::new()
    };
    let source = || format!("source {}", event.source);
    let decision = |purpose, choice, source: &str| ConsentDecision {
        purpose,
        choice,
        at: event.at,
        recorded_at: event.received_at,
        source: source.into(),
        evidence: Some(event.message_id.clone()),
    };
    match about {
        // Only this event changes what is known of the person; on any other the object governs that message only.
        Some(About::Preferences) => {
            let choice = |granted| if granted { Choice::Granted } else { Choice::Denied };
            read.decisions
                .extend(stated.iter().map(|(purpose, granted)| decision(*purpose, choice(*granted), &source())));
        }
        Some(About::Subscribed) => {
            let choice = if policy.double_opt_in { Choice::Pending } else { Choice::Granted };
            read.decisions.push(decision(Purpose::Marketing, choice, &source()));
        }
        Some(About::Confirmed) => read.decisions.push(decision(Purpose::Marketing, Choice::Granted, &source())),
        Some(About::Unsubscribed) => read.decisions.push(decision(Purpose::Marketing, Choice::Denied, &source())),
        None => {}
    }
    read.refused = stated.into_iter().filter(|(_, granted)| !granted).map(|(purpose, _)| purpose).collect();
    if gpc && policy.honour_gpc {
        // It denies and never grants; that it is missing says nothing.
        read.decisions.push(decision(Purpose::Ads, Choice::Denied, &format!("gpc {}", event.source)));
    }
    read
}

/// Events that are about consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    Preferences,
    Subscribed,
    Confirmed,
    Unsubscribed,
}

impl About {
    fn of(event: &Event) -> Option<Self> {
        let name = event.name.as_deref().filter(|_| event.kind == EventKind::Track)?;
        let same = |known: &str| {
            let plain = |c: char| if matches!(c, '_' | '-') { ' ' } else { c.to_ascii_lowercase() };
            name.trim().chars().map(plain).eq(known.chars())
        };
        const NAMES: [(&str, About); 4] = [
            ("segment consent preference updated", About::Preferences),
            ("subscribed", About::Subscribed),
            ("subscription confirmed", About::Confirmed),
            ("unsubscribed", About::Unsubscribed),
        ];
        NAMES.into_iter().find(|(known, _)| same(known)).map(|(_, about)| about)
    }
}

/// What a message states of each purpose that a category is mapped to. Empty where it has no consent object.
fn stated(policy: &Policy, message: &Json<'_>) -> Vec<(Purpose, bool)> {
    let segment = message.at(&["context", "consent", "categoryPreferences"]);
    let rudder = message.at(&["context", "consentManagement"]);
    let said: Box<dyn Fn(&str) -> Said> = match (segment, rudder) {
        (Some(preferences @ Json::Object(_)), _) => Box::new(|category| match preferences.get(category) {
            Some(Json::Bool(true)) => Said::Granted,
            // Whatever is not a plain yes is none.
            Some(_) => Said::Denied,
            None => Said::Missing,
        }),
        (_, Some(management @ Json::Object(_))) => {
            let (allowed, denied) = (ids(management, "allowedConsentIds"), ids(management, "deniedConsentIds"));
            if allowed.is_none() && denied.is_none() {
                return Vec::new();
            }
            Box::new(move |category| {
                let has = |list: &Option<Vec<&str>>| list.as_ref().is_some_and(|list| list.contains(&category));
                match (has(&denied), has(&allowed)) {
                    (true, _) => Said::Denied,
                    (false, true) => Said::Granted,
                    // A list of refusals alone says nothing of the others.
                    (false, false) if allowed.is_none() => Said::Nothing,
                    (false, false) => Said::Missing,
                }
            })
        }
        _ => return Vec::new(),
    };
    Purpose::ALL.into_iter().filter_map(|purpose| Some((purpose, granted(policy, purpose, &*said)?))).collect()
}

fn ids<'j>(management: &'j Json<'_>, key: &str) -> Option<Vec<&'j str>> {
    match management.get(key)? {
        Json::List(list) => Some(list.iter().filter_map(Json::as_text).collect()),
        _ => None,
    }
}

enum Said {
    Granted,
    Denied,
    /// Not among the categories of an object that names the others: a no.
    Missing,
    Nothing,
}

/// A purpose with several categories follows those that the object names, and is granted where all of them are; one whose
/// categories are all missing is denied. `None`: no category is mapped to it, or nothing is said.
fn granted(policy: &Policy, purpose: Purpose, said: &dyn Fn(&str) -> Said) -> Option<bool> {
    let (mut named, mut missing) = (None, false);
    for (category, _) in policy.categories.iter().filter(|(_, meant)| *meant == purpose) {
        match said(category) {
            Said::Granted => named = Some(named.unwrap_or(true)),
            Said::Denied => named = Some(false),
            Said::Missing => missing = true,
            Said::Nothing => {}
        }
    }
    named.or(missing.then_some(false))
}

#[cfg(test)]
mod tests {
    use connector::Timestamp;

    use super::*;

    fn policy() -> Policy {
        let categories = [
            ("Analytics", Purpose::Analytics),
            ("C0002", Purpose::Analytics),
            ("Advertising", Purpose::Ads),
            ("Sales", Purpose::Sales),
        ];
        Policy { categories: categories.iter().map(|(name, p)| ((*name).into(), *p)).collect(), ..Policy::default() }
    }

    fn event(name: &str, context: &str) -> Event {
        let at = Timestamp::from_secs(100);
        Event {
            source: "website".into(),
            message_id: "m-1".into(),
            kind: EventKind::Track,
            name: Some(name.into()),
            at,
            original_at: None,
            sent_at: None,
            received_at: at,
            identifiers: Vec::new(),
            traits: Vec::new(),
            traits_are_weak: true,
            is_bot: false,
            body: format!(r#"{{"type":"track","event":"{name}","context":{context}}}"#).into(),
        }
    }

    const UPDATED: &str = "Segment Consent Preference Updated";

    fn decided(name: &str, context: &str) -> String {
        let read = policy().read(&event(name, context), false);
        let shown: Vec<String> =
            read.decisions.iter().map(|d| format!("{} {}", d.purpose, d.choice.as_str())).collect();
        shown.join(", ")
    }

    #[test]
    fn the_reserved_event_and_only_it_decides() {
        let object = r#"{"consent":{"categoryPreferences":{"Analytics":true,"Advertising":false,"Sales":true}}}"#;
        assert_eq!(decided(UPDATED, object), "analytics granted, sales granted, ads denied");
        assert_eq!(decided("segment_consent_preference_updated", object), decided(UPDATED, object));
        let read = policy().read(&event("Order Completed", object), false);
        assert_eq!((read.decisions, read.refused, read.is_about_consent), (vec![], vec![Purpose::Ads], false));
    }

    #[test]
    fn what_an_object_does_not_name_is_denied_and_no_object_says_nothing() {
        let of =
            |preferences: &str| decided(UPDATED, &format!(r#"{{"consent":{{"categoryPreferences":{preferences}}}}}"#));
        assert_eq!(of("{}"), "analytics denied, sales denied, ads denied");
        assert_eq!(of(r#"{"Sales":true}"#), "analytics denied, sales granted, ads denied");
        assert_eq!(
            of(r#"{"C0002":true}"#),
            "analytics granted, sales denied, ads denied",
            "one of its names is enough"
        );
        assert_eq!(of(r#"{"C0002":true,"Analytics":false}"#), "analytics denied, sales denied, ads denied");
        assert_eq!(of(r#"{"Sales":"true","Analytics":1,"Advertising":null}"#), of("{}"), "only a plain yes is one");
        for none in ["null", "[]", "7"] {
            assert_eq!(of(none), "", "{none}");
        }
        assert_eq!(decided(UPDATED, "{}"), "");
        assert_eq!(decided(UPDATED, r#"{"consent":{}}"#), "");
    }

    #[test]
    fn rudderstack_names_ids_on_two_lists() {
        let of = |lists: &str| decided(UPDATED, &format!(r#"{{"consentManagement":{{{lists}}}}}"#));
        let both = r#""allowedConsentIds":["Sales"],"deniedConsentIds":["Analytics"]"#;
        assert_eq!(of(both), "analytics denied, sales granted, ads denied");
        assert!(of(r#""allowedConsentIds":["Sales"],"deniedConsentIds":["Sales"]"#).contains("sales denied"));
        assert_eq!(of(r#""deniedConsentIds":["Sales"]"#), "sales denied");
        assert_eq!(of(r#""provider":"oneTrust""#), "");
    }

    #[test]
    fn a_subscription_waits_for_its_confirmation() {
        assert_eq!(decided("Subscribed", "{}"), "marketing pending");
        assert_eq!(decided("Subscription Confirmed", "{}"), "marketing granted");
        assert_eq!(decided("Unsubscribed", "{}"), "marketing denied");
        let single = Policy { double_opt_in: false, ..policy() };
        assert_eq!(single.read(&event("Subscribed", "{}"), false).decisions[0].choice, Choice::Granted);
    }

    #[test]
    fn global_privacy_control_denies_and_never_grants() {
        let read = policy().read(&event("Product Viewed", "{}"), true);
        let ads = &read.decisions[0];
        assert_eq!((ads.purpose, ads.choice, &*ads.source), (Purpose::Ads, Choice::Denied, "gpc website"));
        assert_eq!((read.may_count(), read.is_about_consent), (true, false));
        let deaf = Policy { honour_gpc: false, ..policy() };
        assert_eq!(deaf.read(&event("Product Viewed", "{}"), true).decisions, []);
    }
}
