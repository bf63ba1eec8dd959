//! The names of events that mean something by themselves (`cdp-semantics` §1.6), as data, and what an event is to its person:
//! of which kind, done by a client, a sign of life.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::expr::{EventInput, Json};
use crate::model::{EventKind, IdentifierKind, TimelineKind};

/// By kind, one name a line; lists of one object share a line.
const CATALOGUE: &[(TimelineKind, &[&str])] = &[
    (
        TimelineKind::Web,
        &[
            "Products Searched",
            "Product List Viewed",
            "Product List Filtered",
            "Product Clicked",
            "Product Viewed",
            "Promotion Viewed",
            "Promotion Clicked",
            "Form Submitted",
            "File Downloaded",
            "Experiment Viewed",
            "Video Playback Started",
            "Video Playback Completed",
            "Live Chat Conversation Started",
        ],
    ),
    (
        TimelineKind::Email,
        &[
            "Email Delivered",
            "Email Opened",
            "Email Link Clicked",
            "Email Bounced",
            "Email Marked as Spam",
            "Unsubscribed",
        ],
    ),
    (
        TimelineKind::App,
        &[
            "Application Installed",
            "Application Opened",
            "Application Updated",
            "Application Backgrounded",
            "Application Foregrounded",
            "Application Uninstalled",
            "Application Crashed",
            "Push Notification Received",
            "Push Notification Tapped",
            "Push Notification Bounced",
            "Deep Link Opened",
            "Deep Link Clicked",
            "Install Attributed",
        ],
    ),
    (
        TimelineKind::Commerce,
        &[
            "Product Added",
            "Product Removed",
            "Cart Viewed",
            "Checkout Started",
            "Checkout Step Viewed",
            "Checkout Step Completed",
            "Payment Info Entered",
            "Order Completed",
            "Order Updated",
            "Order Refunded",
            "Order Cancelled",
            "Coupon Entered",
            "Coupon Applied",
            "Coupon Denied",
            "Coupon Removed",
            "Product Added to Wishlist",
            "Product Reviewed",
            "Product Shared",
        ],
    ),
    (TimelineKind::Ad, &["Ad Impression", "Ad Clicked", "Ad Converted"]),
    (
        TimelineKind::Offline,
        &[
            "Call Completed",
            "Loyalty Points Earned",
            "Loyalty Points Redeemed",
            "Loyalty Tier Changed",
            "Event Attended",
        ],
    ),
    (
        TimelineKind::Survey,
        &["Survey Completed", "Preferences Updated", "Segment Consent Preference Updated", "Subscribed"],
    ),
    (
        TimelineKind::Product,
        &[
            "Signed Up",
            "Signed In",
            "Signed Out",
            "Invite Sent",
            "Account Created",
            "Account Deleted",
            "Account Added User",
            "Account Removed User",
            "Trial Started",
            "Trial Ended",
        ],
    ),
    (
        TimelineKind::Crm,
        &[
            "CRM Deal Created",
            "CRM Deal Stage Changed",
            "CRM Deal Won",
            "CRM Deal Lost",
            "CRM Deal Reopened",
            "CRM Call Logged",
            "CRM Meeting Logged",
            "CRM Email Logged",
            "CRM Task Completed",
            "CRM Ticket Opened",
            "CRM Ticket Closed",
            "CRM Owner Changed",
        ],
    ),
];

/// Events that a visit is made for: one of them makes its session an engaged one.
const CONVERSIONS: &[&str] = &[
    "Account Created",
    "Ad Converted",
    "Form Submitted",
    "Order Completed",
    "Signed Up",
    "Subscribed",
    "Trial Started",
];

/// What mail systems say of a message; whoever sent it was no browser of the person.
const OF_MAIL_SYSTEMS: &[&str] =
    &["email delivered", "email opened", "email link clicked", "email bounced", "email marked as spam"];

/// An event's name as it is matched: names that differ in case, spaces, `_` or `-` are one name
/// (`cdp-semantics` §1.6).
pub fn normal_event_name(name: &str) -> String {
    name.trim().chars().flat_map(char::to_lowercase).map(|c| if matches!(c, '_' | '-') { ' ' } else { c }).collect()
}

/// The kind of a track event by its normal name; `None` for names of somebody's own.
pub fn named_kind(normal_name: &str) -> Option<TimelineKind> {
    static BY_NAME: LazyLock<HashMap<String, TimelineKind>> = LazyLock::new(|| {
        CATALOGUE.iter().flat_map(|(kind, names)| names.iter().map(|name| (normal_event_name(name), *kind))).collect()
    });
    BY_NAME.get(normal_name).copied()
}

/// Whether a track event of this normal name is a conversion.
pub fn is_conversion(normal_name: &str) -> bool {
    CONVERSIONS.iter().any(|name| name.eq_ignore_ascii_case(normal_name))
}

/// What an event is about. Events of the shop floor are offline whatever their name; events of somebody's own are known by
/// who sent them.
pub fn timeline_kind(input: &EventInput<'_>, normal_name: &str) -> TimelineKind {
    match input.event.kind {
        EventKind::Page => TimelineKind::Web,
        EventKind::Screen => TimelineKind::App,
        EventKind::Identify | EventKind::Group | EventKind::Alias => TimelineKind::Identity,
        EventKind::Track if is_point_of_sale(input.body) => TimelineKind::Offline,
        EventKind::Track => named_kind(normal_name).unwrap_or_else(|| {
            if is_from_server(input.body) {
                TimelineKind::Product
            } else if is_from_app(input.body) {
                TimelineKind::App
            } else {
                TimelineKind::Web
            }
        }),
    }
}

/// Whether a message tells of what happens on a person's own screen. What mail systems, call centres, shops and CRMs say is
/// never that, whatever id it carries; nor are tracks of server libraries, which name a visitor they did not watch.
pub(super) fn is_from_client(input: &EventInput<'_>, normal_name: &str) -> bool {
    match input.event.kind {
        EventKind::Page | EventKind::Screen => true,
        EventKind::Track => {
            !is_from_server(input.body)
                && !is_point_of_sale(input.body)
                && normal_name != "call completed"
                && !OF_MAIL_SYSTEMS.contains(&normal_name)
                && named_kind(normal_name) != Some(TimelineKind::Crm)
        }
        EventKind::Identify | EventKind::Group | EventKind::Alias => false,
    }
}

/// Whether the person did it now, by the SDK's account.
pub(super) fn is_active(body: &Json<'_>) -> bool {
    body.at(&["context", "active"]) != Some(&Json::Bool(false))
}

/// Whether an event that is no step of a session says that the person was there (`cdp-semantics` §3.2, `last_seen_at`).
pub(super) fn is_sign_of_life(input: &EventInput<'_>, normal_name: &str) -> bool {
    if !is_active(input.body) {
        return false;
    }
    match input.event.kind {
        EventKind::Page | EventKind::Screen => true,
        EventKind::Identify => {
            is_point_of_sale(input.body)
                || input.event.identifiers.iter().any(|id| id.kind == IdentifierKind::AnonymousId)
        }
        EventKind::Track if is_point_of_sale(input.body) => true,
        EventKind::Track => match normal_name {
            "email link clicked" => true,
            "call completed" => {
                let direction = input.body.at(&["properties", "direction"]).and_then(Json::as_text);
                direction.is_some_and(|direction| direction.trim().eq_ignore_ascii_case("inbound"))
            }
            _ => false,
        },
        EventKind::Group | EventKind::Alias => false,
    }
}

fn is_point_of_sale(body: &Json<'_>) -> bool {
    let places = [body.get("channel"), body.at(&["context", "channel"]), body.at(&["properties", "channel"])];
    places.into_iter().flatten().filter_map(Json::as_text).any(|channel| channel.trim().eq_ignore_ascii_case("pos"))
}

fn channel<'a>(body: &'a Json<'a>) -> Option<&'a str> {
    body.get("channel").or_else(|| body.at(&["context", "channel"])).and_then(Json::as_text)
}

fn library<'a>(body: &'a Json<'a>) -> &'a str {
    body.at(&["context", "library", "name"]).and_then(Json::as_text).unwrap_or_default()
}

fn is_from_server(body: &Json<'_>) -> bool {
    const LIBRARIES: &[&str] = &[
        "analytics-python",
        "analytics-node",
        "@segment/analytics-node",
        "analytics-ruby",
        "analytics-go",
        "analytics-java",
        "analytics-php",
        "analytics.net",
        "rudder-sdk-python",
        "rudderstack-node",
        "@rudderstack/rudder-sdk-node",
    ];
    match channel(body) {
        Some(channel) => channel.eq_ignore_ascii_case("server"),
        None => LIBRARIES.iter().any(|server| server.eq_ignore_ascii_case(library(body))),
    }
}

fn is_from_app(body: &Json<'_>) -> bool {
    const LIBRARIES: &[&str] = &["ios", "android", "swift", "kotlin", "react-native", "flutter"];
    let library = library(body).to_ascii_lowercase();
    channel(body).is_some_and(|channel| channel.eq_ignore_ascii_case("mobile"))
        || LIBRARIES.iter().any(|app| library.contains(app))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_kind_however_it_is_written() {
        let names: Vec<&str> = CATALOGUE.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        for (place, name) in names.iter().enumerate() {
            assert!(!names[..place].contains(name), "{name} is there twice");
        }
        for (name, kind) in [
            ("order_completed", Some(TimelineKind::Commerce)),
            ("ORDER-COMPLETED", Some(TimelineKind::Commerce)),
            (" Email Link Clicked ", Some(TimelineKind::Email)),
            ("crm_deal_won", Some(TimelineKind::Crm)),
            ("OrderCompleted", None),
            ("Something Else", None),
        ] {
            assert_eq!(named_kind(&normal_event_name(name)), kind, "{name}");
        }
    }

    #[test]
    fn every_conversion_is_in_the_catalogue() {
        for name in CONVERSIONS {
            assert!(
                named_kind(&normal_event_name(name)).is_some() && is_conversion(&normal_event_name(name)),
                "{name}"
            );
        }
        assert!(!is_conversion("product viewed"));
    }
}
