//! Two become one: profiles, and records merged at the CRM.

use std::rc::Rc;

use connector::{Link, Timestamp};

use super::fault::Fallible;
use super::identity::{Because, log_edge};
use super::profiles::{self, keep_history, mark_stale, note_change, uid_of};
use super::records::{self, Key, Row, State};
use super::session::{Place, Session, crm_kind};
use super::{assignments, company, conversion, declared, identity_log, links, reviews, side, standing, webhooks};
use crate::model::{Identifier, Logged};

/// The survivor takes everything of the loser, which stays as an alias. Nothing happens where both are one already.
pub(super) fn profiles(session: &Session<'_>, survivor: i64, loser: i64, because: Because<'_>) -> Fallible<()> {
    let (Some(survivor), Some(loser)) = (profiles::current(session, survivor)?, profiles::current(session, loser)?)
    else {
        return Ok(());
    };
    if survivor == loser {
        return Ok(());
    }
    let uid = uid_of(session, loser)?;
    merge_traits(session, survivor, loser, because.now)?;
    standing::merge(session, survivor, loser)?;
    session.run(
        "UPDATE profile SET known = max(known, (SELECT known FROM profile WHERE id = ?2)),
                            first_seen = min(first_seen, (SELECT first_seen FROM profile WHERE id = ?2))
         WHERE id = ?1",
        (survivor, loser),
    )?;
    for sql in [
        "UPDATE event SET profile = ?1 WHERE profile = ?2 AND row IN (
             SELECT event FROM fact WHERE profile = ?2 UNION ALL SELECT event FROM recent_fact WHERE profile = ?2)",
        "UPDATE fact SET profile = ?1 WHERE profile = ?2",
        "UPDATE recent_fact SET profile = ?1 WHERE profile = ?2",
        "UPDATE identifier SET profile = ?1 WHERE profile = ?2",
        "UPDATE record SET profile = ?1 WHERE profile = ?2",
        "UPDATE consent SET profile = ?1 WHERE profile = ?2",
        "UPDATE attribute_history SET profile = ?1 WHERE profile = ?2",
        "UPDATE profile_alias SET survivor = ?1 WHERE survivor = ?2",
    ] {
        session.run(sql, (survivor, loser))?;
    }
    move_outbox(session, survivor, loser)?;
    company::move_profile(session, survivor, loser)?;
    assignments::move_profile(session, survivor, loser)?;
    webhooks::move_profile(session, survivor, loser)?;
    log_edge(session, &because.edge(1, survivor, 0, &uid.to_string()))?;
    session.run("DELETE FROM stale WHERE profile = ?1", [loser])?;
    session.run("DELETE FROM profile WHERE id = ?1", [loser])?;
    session.run(
        "INSERT INTO profile_alias (old, uid, survivor, at) VALUES (?1, ?2, ?3, ?4)",
        (loser, uid.into_bytes(), survivor, because.now.micros()),
    )?;
    session.memo.merged(survivor, loser);
    mark_stale(session, survivor)?;
    note_change(session, survivor)?;
    records::mark_all_of(session, survivor)?;
    Ok(())
}

/// Declared traits by survivorship; what loses becomes history. Computed ones are computed anew over the union.
fn merge_traits(session: &Session<'_>, survivor: i64, loser: i64, now: Timestamp) -> Fallible<()> {
    let rules = session.survivorship()?;
    let mut kept = Rc::unwrap_or_clone(declared::of(session, survivor)?);
    for (name, theirs) in &*declared::of(session, loser)? {
        let Some(ours) = kept.get(name) else {
            kept.insert(name.clone(), theirs.clone());
            continue;
        };
        let winner = rules.settle(name, ours, theirs);
        for beaten in [ours, theirs].into_iter().filter(|one| one.value != winner.value) {
            keep_history(session, survivor, name, beaten, now)?;
        }
        kept.insert(name.clone(), winner);
    }
    session.declared.forget(loser);
    declared::save(session, survivor, kept)
}

/// Entries follow the survivor. Of two creates at one place the one that may have been sent stays; a queued create is
/// dropped where the union has a record already.
fn move_outbox(session: &Session<'_>, survivor: i64, loser: i64) -> Fallible<()> {
    session.run("UPDATE outbox SET profile = ?1 WHERE profile = ?2 AND record IS NOT NULL", (survivor, loser))?;
    session.run(
        "DELETE FROM outbox WHERE record IS NULL AND state = 0 AND profile IN (?1, ?2) AND place IN
             (SELECT place FROM outbox WHERE record IS NULL AND profile = CASE WHEN outbox.profile = ?1 THEN ?2 ELSE ?1 END
              AND state > 0)",
        (survivor, loser),
    )?;
    // Two queued creates: the loser's goes. Two that may both have been sent: the loser's stays under its old id, which
    // settlement follows.
    session.run(
        "DELETE FROM outbox WHERE record IS NULL AND state = 0 AND profile = ?2
             AND place IN (SELECT place FROM outbox WHERE record IS NULL AND profile = ?1)",
        (survivor, loser),
    )?;
    session.run("UPDATE OR IGNORE outbox SET profile = ?1 WHERE profile = ?2 AND record IS NULL", (survivor, loser))?;
    session.run(
        "DELETE FROM outbox WHERE record IS NULL AND state = 0 AND profile = ?1
             AND place IN (SELECT place FROM record WHERE profile = ?1 AND state > 0)",
        [survivor],
    )?;
    Ok(())
}

/// What `loser` was goes on as `winner` at the CRM: merged into a record of the same object, or of another from now on.
/// `false` where nothing was left to do.
pub(super) fn at_crm(
    session: &Session<'_>,
    place: Place,
    loser: &str,
    winner: &Link,
    because: Because<'_>,
) -> Fallible<bool> {
    let (connection, object) = session.place_name(place)?;
    let done = if object == winner.object {
        at_place(session, place, loser, winner.id.as_str(), because)?
    } else {
        conversion::at_crm(session, place, loser, &connection, winner, because)?
    };
    if done && object.is_person() && winner.object.is_person() {
        let line = Logged::WentOn {
            from: Identifier::crm(&connection, &object, &loser.into()),
            into: Identifier::crm(&connection, &winner.object, &winner.id),
            at: because.at,
        };
        identity_log::write(session, &line, because.now)?;
    }
    Ok(done)
}

/// A record was merged into another at the CRM, and nobody has decided about the profiles: the CRM says that both are one
/// person, the strongest evidence there is. `false` where nothing was left to do.
fn at_place(session: &Session<'_>, place: Place, loser: &str, winner: &str, because: Because<'_>) -> Fallible<bool> {
    if loser == winner {
        return Ok(false);
    }
    let winner_key = records::key(session, place, winner)?;
    let loser_key = records::key(session, place, loser)?;
    match (loser_key, winner_key) {
        (Some(l), Some(w)) if l.record == w.record => Ok(false),
        (Some(l), Some(_)) if l.alias => Ok(false),
        (Some(l), Some(w)) => {
            let (lost, mut won) = (records::load(session, l.record)?, records::load(session, w.record)?);
            if won.state == State::Stub && lost.state != State::Stub {
                // Known only from an association so far: what is stored of the loser is all there is of the winner.
                let content = records::Content {
                    profile: lost.profile,
                    state: lost.state,
                    modified_at: lost.linked.modified_at.map(Timestamp::micros),
                    url: lost.linked.url.as_deref(),
                    mirror: &lost.linked.mirror,
                };
                records::update(session, &won, &content)?;
                won = records::load(session, w.record)?;
            }
            absorb(session, &won, &lost, because)?;
            match (won.profile, lost.profile) {
                (Some(a), Some(b)) => of_one_person(session, a, b, because)?,
                (None, Some(b)) => {
                    session.run("UPDATE record SET profile = ?2 WHERE id = ?1", (won.id, b))?;
                }
                _ => {}
            }
            records::forget_hash(session, place, &won.ext)?;
            Ok(true)
        }
        // The winner has not been pulled yet: the stored record becomes it, and its next sight counts as a change.
        (Some(l), None) if !l.alias => {
            let row = records::load(session, l.record)?;
            session.run("UPDATE record SET ext = ?2 WHERE id = ?1", (row.id, winner))?;
            let key = Key { record: row.id, alias: false, hash: None, links_hash: None };
            records::save_key(session, place, winner, key)?;
            records::save_key(session, place, loser, Key { alias: true, ..key })?;
            Ok(true)
        }
        (Some(_), None) => Ok(false),
        (None, _) => {
            let record = records::find_or_stub(session, place, winner)?;
            records::save_key(session, place, loser, Key { record, alias: true, hash: None, links_hash: None })?;
            Ok(true)
        }
    }
}

/// Two profiles turn out to be one person's: the CRM says so. What somebody has kept apart stays apart.
pub(super) fn of_one_person(session: &Session<'_>, a: i64, b: i64, because: Because<'_>) -> Fallible<()> {
    if a == b || reviews::are_apart(session, a, b)? {
        return Ok(());
    }
    let (survivor, other) = elder(session, a, b)?;
    profiles(session, survivor, other, because)
}

/// The survivor rule of `cdp-semantics` §2.2: known before anonymous, earliest first seen, smallest id.
fn elder(session: &Session<'_>, a: i64, b: i64) -> Fallible<(i64, i64)> {
    let rank = |id: i64| -> Fallible<(bool, Timestamp, i64)> {
        let profile = profiles::load(session, id)?;
        Ok(profile.map_or((true, Timestamp::EPOCH, id), |p| (!p.known, p.first_seen, id)))
    };
    Ok(if rank(a)? <= rank(b)? { (a, b) } else { (b, a) })
}

/// The winner takes associations, queued writes, journal and deal of the loser, whose ids become aliases.
pub(super) fn absorb(session: &Session<'_>, winner: &Row, loser: &Row, because: Because<'_>) -> Fallible<()> {
    company::absorb(session, winner, loser)?;
    links::move_all(session, loser.id, winner.id)?;
    absorb_outbox(session, winner.id, loser.id)?;
    side::absorb(session, winner.id, loser.id)?;
    for sql in [
        "UPDATE OR IGNORE push_mark SET record = ?1 WHERE record = ?2 AND place = ?3",
        "UPDATE OR IGNORE deal SET record = ?1 WHERE record = ?2 AND ?3 > 0",
        "UPDATE deal_history SET record = ?1 WHERE record = ?2 AND ?3 > 0",
        "UPDATE journal SET record = ?1 WHERE record = ?2 AND ?3 > 0",
        "UPDATE record_key SET record = ?1 WHERE record = ?2 AND alias = 1 AND ?3 > 0",
    ] {
        session.run(sql, (winner.id, loser.id, loser.place))?;
    }
    for sql in [
        "DELETE FROM push_mark WHERE record = ?1 AND place = ?2",
        "DELETE FROM deal WHERE record = ?1 AND ?2 > 0",
        "DELETE FROM crm_user WHERE record = ?1 AND ?2 > 0",
        "DELETE FROM sweep_seen WHERE record = ?1 AND place = ?2",
    ] {
        session.run(sql, (loser.id, loser.place))?;
    }
    let alias = Key { record: winner.id, alias: true, hash: None, links_hash: None };
    records::save_key(session, loser.place, &loser.ext, alias)?;
    records::count_move(session, loser.place, loser.state, State::Stub);
    session.run("DELETE FROM record WHERE id = ?1", [loser.id])?;
    if let Some(profile) = loser.profile {
        mark_stale(session, profile)?;
        log_edge(session, &because.edge(-1, profile, crm_kind(loser.place), &loser.ext))?;
    }
    Ok(())
}

/// At most one entry per record. One that may have been sent keeps its place; the other's intent waits behind it.
fn absorb_outbox(session: &Session<'_>, winner: i64, loser: i64) -> Fallible<()> {
    let state = |record: i64| -> Fallible<Option<i64>> {
        let found = session.number("SELECT state + 1 FROM outbox WHERE record = ?1", [record])?;
        Ok((found > 0).then_some(found - 1))
    };
    match (state(winner)?, state(loser)?) {
        (_, None) => {}
        (Some(0), Some(sent)) if sent > 0 => {
            session.run(
                "UPDATE outbox SET waiting = (SELECT intent FROM outbox WHERE record = ?1) WHERE record = ?2",
                (winner, loser),
            )?;
            session.run("DELETE FROM outbox WHERE record = ?1", [winner])?;
            session.run("UPDATE outbox SET record = ?1 WHERE record = ?2", (winner, loser))?;
        }
        (Some(_), Some(_)) => {
            session.run("DELETE FROM outbox WHERE record = ?1", [loser])?;
        }
        (None, Some(_)) => {
            session.run("UPDATE outbox SET record = ?1 WHERE record = ?2", (winner, loser))?;
        }
    }
    Ok(())
}

/// The numbers of the profiles that this one swallowed.
pub(super) fn aliases_of(session: &Session<'_>, profile: i64) -> Fallible<Vec<i64>> {
    let mut statement = session.sql("SELECT old FROM profile_alias WHERE survivor = ?1 ORDER BY old")?;
    let rows = statement.query_map([profile], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
