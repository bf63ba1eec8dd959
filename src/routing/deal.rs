//! Whoever is in a sales cycle is nobody's new lead: the owner of the open deal is told instead (`cdp-semantics` §4.4).

use crate::model::{OpenDeal, Step, Tell, TrailLine};

/// Who is told: the owner of the first open deal that has an active one. Away or not is not asked, for the deal stays theirs. `None`
/// where no deal is open, or those that are have no such owner, which the trail says.
pub fn told(deals: &[OpenDeal], trail: &mut Vec<TrailLine>) -> Option<Tell> {
    for deal in deals {
        let Some(owner) = &deal.owner else {
            trail.push(line(format!("{} is open and belongs to no user that was pulled", deal.shown())));
            continue;
        };
        if !owner.active {
            trail.push(line(format!("{} is open and {} who owns it is inactive", deal.shown(), owner.shown())));
            continue;
        }
        trail.push(line(format!("{} is open and belongs to {}", deal.shown(), owner.shown())));
        return Some(Tell { user: owner.clone(), record: deal.record.clone(), trail: std::mem::take(trail) });
    }
    None
}

fn line(text: String) -> TrailLine {
    TrailLine { step: Step::Deal, text: text.into() }
}

#[cfg(test)]
mod tests {
    use connector::{ConnectionName, Object, RecordId};

    use super::*;
    use crate::model::{Decision, RecordKey, User};

    fn deal(id: &str, owner: Option<(&str, bool)>) -> OpenDeal {
        let connection = ConnectionName::new("acme");
        OpenDeal {
            id: RecordId::from(id),
            name: Some("Boat".into()),
            stage: Some("Offer".into()),
            owner: owner.map(|(name, active)| User { id: name.into(), email: None, name: Some(name.into()), active }),
            record: RecordKey { connection: connection.clone(), object: Object::Contact, id: "C-1".into() },
            connection,
        }
    }

    #[test]
    fn the_first_active_owner_of_an_open_deal_is_told() {
        let mut trail = Vec::new();
        assert_eq!(told(&[], &mut trail), None);
        let deals = [deal("D-1", None), deal("D-2", Some(("Ann", false))), deal("D-3", Some(("Rita", true)))];
        assert_eq!(told(&deals[..2], &mut trail), None);
        assert_eq!(trail.len(), 2);
        let tell = told(&deals, &mut Vec::new()).unwrap();
        let said: Vec<&str> = tell.trail.iter().map(|line| &*line.text).collect();
        assert_eq!(
            said,
            [
                "the deal Boat (Offer) is open and belongs to no user that was pulled",
                "the deal Boat (Offer) is open and Ann who owns it is inactive",
                "the deal Boat (Offer) is open and belongs to Rita",
            ]
        );
        assert_eq!(tell.user.shown(), "Rita");
        let decision = Decision::Tell(tell);
        assert_eq!((decision.step(), decision.owner()), (Some(Step::Deal), None), "the record keeps its own owner");
    }
}
