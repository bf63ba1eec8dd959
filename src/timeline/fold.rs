//! Folding: what happened as a few lines. Views of one session become one item, opens of one mail the first, a mail that both the CRM
//! and the mail system tell of the CRM's; what is told twice is told once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use connector::Timestamp;

use super::item::{Direction, Item, Visibility};
use super::words::{length, page_name, subject_key};
use crate::model::TimelineKind;

/// How far apart in time the CRM and the mail system may tell of one mail.
const SAME_MAIL: Duration = Duration::from_secs(120);
/// Pages named in the line of a visit.
const NAMED: usize = 3;
/// Pages listed in the detail of a visit.
const LISTED: usize = 10;

/// Something that happened, with what folding needs to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    pub item: Item,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A page or screen was looked at.
    View {
        /// The session it is part of; without one it stands alone.
        session: Option<Arc<str>>,
        page: Option<Arc<str>>,
        /// What it is called where looking at it says that somebody means to buy.
        intent: Option<Arc<str>>,
    },
    /// A mail was opened. Without its id each is told.
    Open {
        mail: Option<Arc<str>>,
    },
    /// A mail system delivered a mail.
    Delivered {
        subject: Option<Arc<str>>,
    },
    /// The CRM holds a mail as an activity.
    CrmMail {
        subject: Option<Arc<str>>,
    },
    Other,
}

/// Folds moments, in any order, and orders what is left: newest first, of one instant what was written down last, then by id.
pub fn fold(moments: Vec<Moment>) -> Vec<Item> {
    let mut seen = HashSet::new();
    let is_for_people = |one: &Moment| one.item.kind.is_for_people() && one.item.visibility == Visibility::Sales;
    let mut moments: Vec<Moment> = moments.into_iter().filter(is_for_people).collect();
    // The first telling of a thing stands, whatever order they come in.
    moments.sort_by(|a, b| (a.item.recorded_at, &a.item.id).cmp(&(b.item.recorded_at, &b.item.id)));
    moments.retain(|one| seen.insert(one.item.dedupe_key.clone()));
    let crm_mails: Vec<(String, Timestamp)> = moments
        .iter()
        .filter_map(|one| match &one.what {
            What::CrmMail { subject: Some(subject) } => Some((subject_key(subject), one.item.occurred_at)),
            _ => None,
        })
        .collect();
    let in_crm = |subject: &str, at: Timestamp| {
        let key = subject_key(subject);
        let near = |other: Timestamp| at.since(other).max(other.since(at)) <= SAME_MAIL;
        !key.is_empty() && crm_mails.iter().any(|(known, other)| *known == key && near(*other))
    };
    // A segment that is the band by another name is the same news.
    let bands: HashSet<(Arc<str>, Timestamp)> = moments
        .iter()
        .filter(|one| one.item.kind == TimelineKind::Score)
        .map(|one| (one.item.source.rsplit('.').next().unwrap_or_default().into(), one.item.occurred_at))
        .collect();
    moments.retain(|one| {
        one.item.kind != TimelineKind::Segment || !bands.contains(&(one.item.source.clone(), one.item.occurred_at))
    });
    let mut items = Vec::new();
    let mut visits: BTreeMap<Arc<str>, Vec<Moment>> = BTreeMap::new();
    let mut opens: HashMap<Arc<str>, Vec<Item>> = HashMap::new();
    for moment in moments {
        match &moment.what {
            What::View { session, .. } => {
                let stands_alone = || Arc::from(format!("view {}", moment.item.id));
                visits.entry(session.clone().unwrap_or_else(stands_alone)).or_default().push(moment);
            }
            What::Open { mail: Some(mail) } => opens.entry(mail.clone()).or_default().push(moment.item),
            What::Delivered { subject: Some(subject) } if in_crm(subject, moment.item.occurred_at) => {}
            _ => items.push(moment.item),
        }
    }
    items.extend(visits.into_values().filter_map(visit));
    items.extend(opens.into_values().filter_map(first_open));
    order(&mut items);
    items
}

/// Several people's folded items as one list, for their company: what happened to all of them is told once.
pub fn merged(lists: Vec<Vec<Item>>) -> Vec<Item> {
    let mut seen = HashSet::new();
    let mut items: Vec<Item> = lists.into_iter().flatten().collect();
    order(&mut items);
    items.retain(|item| seen.insert(item.dedupe_key.clone()));
    items
}

/// Newest first; of one instant what was written down last, then by id.
fn order(items: &mut [Item]) {
    items.sort_by(|a, b| {
        (b.occurred_at, b.recorded_at).cmp(&(a.occurred_at, a.recorded_at)).then_with(|| a.id.cmp(&b.id))
    });
}

/// `Visited 5 pages, incl. Pricing ×2 — 6 min`
fn visit(mut views: Vec<Moment>) -> Option<Item> {
    views.sort_by(|a, b| (a.item.occurred_at, &a.item.id).cmp(&(b.item.occurred_at, &b.item.id)));
    let (first, last) = (views.first()?.item.clone(), views.last()?.item.occurred_at);
    let recorded_at = views.iter().map(|view| view.item.recorded_at).max()?;
    let mut named: Vec<(Arc<str>, usize)> = Vec::new();
    let mut pages: Vec<String> = Vec::new();
    for view in &views {
        let What::View { page, intent, .. } = &view.what else { continue };
        if let Some(intent) = intent {
            match named.iter_mut().find(|(name, _)| name == intent) {
                Some((_, times)) => *times += 1,
                None => named.push((intent.clone(), 1)),
            }
        }
        if let Some(page) = page.as_deref().map(page_name).filter(|page| !pages.contains(page)) {
            pages.push(page);
        }
    }
    // Stable: of equal counts the one looked at first is named first.
    named.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let noun = if views.iter().all(|view| view.item.kind == TimelineKind::App) { "screen" } else { "page" };
    let mut title = format!("Visited {} {noun}{}", views.len(), if views.len() == 1 { "" } else { "s" });
    if !named.is_empty() {
        let told = |(name, times): &(Arc<str>, usize)| match times {
            1 => name.to_string(),
            times => format!("{name} ×{times}"),
        };
        let names: Vec<String> = named.iter().take(NAMED).map(told).collect();
        title.push_str(&format!(", incl. {}", names.join(", ")));
    }
    if let Some(length) = length(last.since(first.occurred_at)) {
        title.push_str(&format!(" — {length}"));
    }
    let more = pages.len().saturating_sub(LISTED);
    pages.truncate(LISTED);
    let listed = match more {
        0 => pages.join(", "),
        more => format!("{} and {more} more", pages.join(", ")),
    };
    Some(Item {
        recorded_at,
        title: title.into(),
        detail: (!listed.is_empty()).then(|| listed.into()),
        direction: Direction::In,
        importance: views.iter().map(|view| view.item.importance).max().unwrap_or(0),
        ..first
    })
}

fn first_open(mut opens: Vec<Item>) -> Option<Item> {
    let times = opens.len();
    opens.sort_by(|a, b| (a.occurred_at, &a.id).cmp(&(b.occurred_at, &b.id)));
    let mut first = opens.into_iter().next()?;
    if times > 1 {
        let detail = first.detail.map_or_else(String::new, |detail| format!("{detail}; "));
        first.detail = Some(format!("{detail}opened {times} times").into());
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, minute: i64, kind: TimelineKind) -> Item {
        Item {
            id: id.into(),
            profile_id: None,
            company_id: None,
            occurred_at: Timestamp::from_secs(minute * 60),
            recorded_at: Timestamp::from_secs(minute * 60),
            kind,
            direction: Direction::None,
            title: id.into(),
            detail: None,
            actor: None,
            source: "website".into(),
            source_ref: None,
            importance: 1,
            dedupe_key: id.into(),
            visibility: Visibility::Sales,
        }
    }

    fn view(id: &str, minute: i64, session: &str, page: &str, intent: Option<&str>) -> Moment {
        let what =
            What::View { session: Some(session.into()), page: Some(page.into()), intent: intent.map(Into::into) };
        Moment { item: item(id, minute, TimelineKind::Web), what }
    }

    fn moment(id: &str, minute: i64, kind: TimelineKind, what: What) -> Moment {
        Moment { item: item(id, minute, kind), what }
    }

    fn titles(items: &[Item]) -> Vec<&str> {
        items.iter().map(|item| &*item.title).collect()
    }

    #[test]
    fn views_of_a_session_are_one_visit() {
        let items = fold(vec![
            view("5", 6, "s1", "/pricing", Some("Pricing")),
            view("1", 0, "s1", "/", None),
            view("2", 1, "s1", "/pricing", Some("Pricing")),
            view("3", 2, "s1", "/docs", None),
            view("4", 3, "s1", "/team", None),
            view("6", 50, "s2", "/pricing", Some("Pricing")),
        ]);
        assert_eq!(titles(&items), ["Visited 1 page, incl. Pricing", "Visited 5 pages, incl. Pricing ×2 — 6 min"]);
        assert_eq!(items[1].detail.as_deref(), Some("Home, Pricing, Docs, Team"));
        assert_eq!((items[1].occurred_at, items[1].recorded_at), (Timestamp::EPOCH, Timestamp::from_secs(360)));
        assert_eq!(items[1].direction, Direction::In);
    }

    #[test]
    fn the_order_is_of_what_happened_then_of_what_was_told_then_of_ids() {
        let mut late = moment("late", 10, TimelineKind::Offline, What::Other);
        late.item.recorded_at = Timestamp::from_secs(3 * 86_400);
        let items = fold(vec![
            moment("b", 10, TimelineKind::Web, What::Other),
            moment("a", 10, TimelineKind::Web, What::Other),
            late,
            moment("z", 20, TimelineKind::Web, What::Other),
        ]);
        assert_eq!(titles(&items), ["z", "late", "a", "b"]);
        assert!(items[1].is_late() && !items[0].is_late());
    }

    #[test]
    fn a_mail_is_opened_once_and_told_by_the_crm_where_both_tell() {
        let open = |id: &str, minute, mail: Option<&str>| {
            moment(id, minute, TimelineKind::Email, What::Open { mail: mail.map(Into::into) })
        };
        let delivered = |id: &str, minute, subject: &str| {
            moment(id, minute, TimelineKind::Email, What::Delivered { subject: Some(subject.into()) })
        };
        let crm = |id: &str, minute, subject: &str| {
            moment(id, minute, TimelineKind::Crm, What::CrmMail { subject: Some(subject.into()) })
        };
        let items = fold(vec![
            open("o2", 12, Some("e-1")),
            open("o1", 11, Some("e-1")),
            open("o3", 13, None),
            delivered("d1", 10, "Your quote"),
            delivered("d2", 14, "Your quote"),
            crm("c1", 12, "RE: your QUOTE"),
            delivered("d3", 15, "Your quote"),
        ]);
        assert_eq!(titles(&items), ["d3", "o3", "c1", "o1"]);
        assert_eq!(items[3].detail.as_deref(), Some("opened 2 times"));
    }

    #[test]
    fn what_is_told_twice_is_told_once_and_what_nobody_reads_not_at_all() {
        let mut again = moment("again", 9, TimelineKind::Crm, What::Other);
        again.item.dedupe_key = "deal 7 v1".into();
        again.item.recorded_at = Timestamp::from_secs(90_000);
        let mut first = moment("first", 9, TimelineKind::Crm, What::Other);
        first.item.dedupe_key = "deal 7 v1".into();
        let items = fold(vec![again, moment("w", 9, TimelineKind::Write, What::Other), first]);
        assert_eq!(titles(&items), ["first"]);
    }

    #[test]
    fn a_segment_that_is_the_band_is_the_same_news() {
        let named = |kind, source: &str, minute| {
            let mut one = moment(source, minute, kind, What::Other);
            one.item.source = source.into();
            one
        };
        let items = fold(vec![
            named(TimelineKind::Score, "lead.mql", 5),
            named(TimelineKind::Segment, "mql", 5),
            named(TimelineKind::Segment, "churn_risk", 5),
        ]);
        assert_eq!(titles(&items), ["churn_risk", "lead.mql"]);
    }

    #[test]
    fn folding_does_not_look_at_the_order_of_what_it_is_given() {
        let moments = vec![
            view("1", 0, "s", "/pricing", Some("Pricing")),
            view("2", 4, "s", "/demo", Some("Demo")),
            moment("o", 2, TimelineKind::Email, What::Open { mail: Some("e".into()) }),
            moment("p", 3, TimelineKind::Email, What::Open { mail: Some("e".into()) }),
            moment("x", 3, TimelineKind::Commerce, What::Other),
        ];
        let want = fold(moments.clone());
        let mut turned = moments;
        for _ in 0..turned.len() {
            turned.rotate_left(1);
            assert_eq!(fold(turned.clone()), want);
        }
    }
}
