//! The model's own blobs, in the bytes of `packed`.

use std::collections::BTreeMap;

use connector::{Timestamp, Value};

use super::fault::{Fallible, Fault};
use super::packed::{Packer, Unpacker};
use super::packed_values::{put_named, take_named};
use super::session::Session;
use crate::model::{Attribute, Identifier, Mirror, MirrorField, Origin, Score, ScorePart, Side, TraitName};

const BASE: u64 = 1;
const SEEN: u64 = 1 << 1;
/// The common case after a push or a pull: both sides agree, the value is written once.
const SEEN_IS_BASE: u64 = 1 << 2;
const SENT: u64 = 1 << 3;
const OURS: u64 = 1 << 4;
const FROZEN: u64 = 1 << 5;
const VERDICT_CRM: u64 = 1 << 6;
const VERDICT_CDP: u64 = 1 << 7;
const FOUGHT: u64 = 1 << 8;
const DRIFTED: u64 = 1 << 9;

pub(super) fn pack_mirror(mirror: &Mirror) -> Vec<u8> {
    let mut out = Packer::new(16 + 32 * mirror.iter().len());
    out.count(mirror.iter().len() as u64);
    for field in mirror.iter() {
        let same = field.seen.is_some() && identical(field.seen.as_ref(), field.base.as_ref());
        let mut flags = 0;
        let mut set = |on: bool, flag: u64| flags |= if on { flag } else { 0 };
        set(field.base.is_some(), BASE);
        set(field.seen.is_some() && !same, SEEN);
        set(same, SEEN_IS_BASE);
        set(field.sent.is_some(), SENT);
        set(field.ours, OURS);
        set(field.frozen, FROZEN);
        set(field.verdict == Some(Side::Crm), VERDICT_CRM);
        set(field.verdict == Some(Side::Cdp), VERDICT_CDP);
        set(field.kept_other > 0, FOUGHT);
        set(field.drifts > 0 || field.drift_since.is_some(), DRIFTED);
        out.text(&field.name);
        out.count(flags);
        if let Some(base) = &field.base {
            out.value(base);
        }
        if let (Some(seen), false) = (&field.seen, same) {
            out.value(seen);
        }
        if let Some(sent) = &field.sent {
            out.value(sent);
        }
        if flags & FOUGHT != 0 {
            out.count(u64::from(field.kept_other));
        }
        if flags & DRIFTED != 0 {
            out.count(u64::from(field.drifts));
            // The epoch stands for "none": no drift is that old.
            out.instant(field.drift_since.unwrap_or_default());
        }
    }
    out.done()
}

/// Equal down to a decimal's scale, so that sharing one copy loses nothing.
fn identical(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a == b && a.scale() == b.scale(),
        _ => a == b,
    }
}

pub(super) fn unpack_mirror(bytes: &[u8]) -> Fallible<Mirror> {
    let mut from = Unpacker::new(bytes)?;
    let length = from.length()?;
    let mut fields = Vec::with_capacity(length);
    for _ in 0..length {
        let mut field = MirrorField::new(from.text()?);
        let flags = from.count()?;
        let has = |flag: u64| flags & flag != 0;
        if has(BASE) {
            field.base = Some(from.value()?);
        }
        if has(SEEN) {
            field.seen = Some(from.value()?);
        } else if has(SEEN_IS_BASE) {
            field.seen.clone_from(&field.base);
        }
        if has(SENT) {
            field.sent = Some(from.value()?);
        }
        field.ours = has(OURS);
        field.frozen = has(FROZEN);
        field.verdict = match (has(VERDICT_CRM), has(VERDICT_CDP)) {
            (true, _) => Some(Side::Crm),
            (_, true) => Some(Side::Cdp),
            _ => None,
        };
        if has(FOUGHT) {
            field.kept_other = small(from.count()?)?;
        }
        if has(DRIFTED) {
            field.drifts = small(from.count()?)?;
            field.drift_since = Some(from.instant()?).filter(|at| *at != Timestamp::EPOCH);
        }
        fields.push(field);
    }
    Ok(fields.into_iter().collect())
}

fn small(number: u64) -> Fallible<u8> {
    u8::try_from(number).map_err(|_| Fault::Damaged("a mirror's counter is out of range"))
}

pub(super) fn pack_attribute(attribute: &Attribute) -> Vec<u8> {
    let mut out = Packer::new(64);
    put_attribute(&mut out, attribute, None);
    out.done()
}

pub(super) fn unpack_attribute(bytes: &[u8]) -> Fallible<Attribute> {
    take_attribute(&mut Unpacker::new(bytes)?, None)
}

pub(super) fn pack_attributes(attributes: &BTreeMap<TraitName, Attribute>) -> Vec<u8> {
    let mut out = Packer::new(16 + 32 * attributes.len());
    out.count(attributes.len() as u64);
    let mut previous = None;
    for (name, attribute) in attributes {
        out.text(name);
        put_attribute(&mut out, attribute, previous);
        previous = Some(attribute);
    }
    out.done()
}

pub(super) fn unpack_attributes(bytes: &[u8]) -> Fallible<BTreeMap<TraitName, Attribute>> {
    let mut from = Unpacker::new(bytes)?;
    let mut attributes = Vec::with_capacity(from.length()?);
    for _ in 0..attributes.capacity() {
        let name = from.text()?;
        let attribute = take_attribute(&mut from, attributes.last().map(|(_, previous)| previous))?;
        attributes.push((name, attribute));
    }
    Ok(attributes.into_iter().collect())
}

const SAME_ORIGIN: u64 = 1;
const SAME_TIMES: u64 = 1 << 1;

/// Traits of one record share origin and times: each is written once in a row.
fn put_attribute(out: &mut Packer, attribute: &Attribute, previous: Option<&Attribute>) {
    let same_origin = previous.is_some_and(|p| p.origin == attribute.origin);
    let same_times =
        previous.is_some_and(|p| (p.observed_at, p.recorded_at) == (attribute.observed_at, attribute.recorded_at));
    out.count(if same_origin { SAME_ORIGIN } else { 0 } | if same_times { SAME_TIMES } else { 0 });
    out.value(&attribute.value);
    if !same_times {
        out.instant(attribute.observed_at);
        out.instant(attribute.recorded_at);
    }
    if !same_origin {
        let (kind, text) = match &attribute.origin {
            Origin::Crm(record) => (0, &**record),
            Origin::Identify(source) => (1, &**source),
            Origin::Weak(source) => (2, &**source),
            Origin::Computed => (3, ""),
        };
        out.count(kind);
        out.text(text);
    }
}

fn take_attribute(from: &mut Unpacker<'_>, previous: Option<&Attribute>) -> Fallible<Attribute> {
    let flags = from.count()?;
    let shared = |flag: u64| -> Fallible<Option<&Attribute>> {
        match (flags & flag != 0, previous) {
            (false, _) => Ok(None),
            (true, Some(previous)) => Ok(Some(previous)),
            (true, None) => Err(Fault::Damaged("a trait refers to one that is not there")),
        }
    };
    let value = from.value()?;
    let (observed_at, recorded_at) = match shared(SAME_TIMES)? {
        Some(previous) => (previous.observed_at, previous.recorded_at),
        None => (from.instant()?, from.instant()?),
    };
    let origin = match shared(SAME_ORIGIN)? {
        Some(previous) => previous.origin.clone(),
        None => match (from.count()?, from.text()?) {
            (0, record) => Origin::Crm(record),
            (1, source) => Origin::Identify(source),
            (2, source) => Origin::Weak(source),
            (3, _) => Origin::Computed,
            _ => return Err(Fault::Damaged("a trait of an unknown origin")),
        },
    };
    Ok(Attribute { value, observed_at, recorded_at, origin })
}

pub(super) fn pack_scores(scores: &[Score]) -> Vec<u8> {
    let mut out = Packer::new(16 + 64 * scores.len());
    out.count(scores.len() as u64);
    for score in scores {
        out.text(&score.name);
        out.float(score.value);
        out.count(u64::from(score.capped));
        out.count(score.parts.len() as u64);
        for part in &score.parts {
            out.text(&part.label);
            out.float(part.points);
            out.count(u64::from(part.matches));
        }
    }
    out.done()
}

pub(super) fn unpack_scores(bytes: &[u8]) -> Fallible<Vec<Score>> {
    let mut from = Unpacker::new(bytes)?;
    let length = from.length()?;
    let mut scores = Vec::with_capacity(length);
    for _ in 0..length {
        let (name, value, capped) = (from.text()?, from.float()?, from.count()? != 0);
        let count = from.length()?;
        let mut parts = Vec::with_capacity(count);
        for _ in 0..count {
            let (label, points) = (from.text()?, from.float()?);
            let matches =
                u32::try_from(from.count()?).map_err(|_| Fault::Damaged("a score's count is out of range"))?;
            parts.push(ScorePart { label, points, matches });
        }
        scores.push(Score { name, value, parts, capped });
    }
    Ok(scores)
}

/// An event's identifiers and traits.
pub(super) fn pack_known(
    session: &Session<'_>,
    identifiers: &[Identifier],
    traits: &[(TraitName, Value)],
) -> Fallible<Vec<u8>> {
    let mut out = Packer::new(64);
    out.count(identifiers.len() as u64);
    for identifier in identifiers {
        out.signed(session.kind(&identifier.kind)?);
        out.text(&identifier.value);
    }
    put_named(&mut out, traits.iter().map(|(name, value)| (name, value)));
    Ok(out.done())
}

pub(super) type KnownOfEvent = (Vec<Identifier>, Vec<(TraitName, Value)>);

pub(super) fn unpack_known(session: &Session<'_>, bytes: &[u8]) -> Fallible<KnownOfEvent> {
    let mut from = Unpacker::new(bytes)?;
    let length = from.length()?;
    let mut identifiers = Vec::with_capacity(length);
    for _ in 0..length {
        let kind = from.signed()?;
        identifiers.push(session.identifier(kind, from.text()?)?);
    }
    Ok((identifiers, take_named(&mut from)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(value: Value, at: i64, origin: Origin) -> Attribute {
        Attribute { value, observed_at: Timestamp::from_secs(at), recorded_at: Timestamp::from_secs(at + 1), origin }
    }

    #[test]
    fn a_mirror_reads_back_with_every_mark() {
        let mut full = MirrorField::new("full".into());
        full.base = Some("a".into());
        full.seen = Some("b".into());
        full.sent = Some(Value::Null);
        full.ours = true;
        full.kept_other = 2;
        full.drifts = 3;
        full.drift_since = Some(Timestamp::from_secs(5));
        full.frozen = true;
        full.verdict = Some(Side::Cdp);
        let mut agreed = MirrorField::new("agreed".into());
        agreed.base = Some(7.into());
        agreed.seen = Some(7.into());
        let mut empty = MirrorField::new("empty".into());
        empty.seen = Some(Value::Null);
        let mirror: Mirror = [full, agreed, empty, MirrorField::new("bare".into())].into_iter().collect();
        assert_eq!(unpack_mirror(&pack_mirror(&mirror)).unwrap(), mirror);
        assert!(unpack_mirror(&pack_mirror(&mirror)[..20]).is_err());
    }

    #[test]
    fn traits_read_back_and_share_what_repeats() {
        let record = || Origin::Crm("hubspot contact 501".into());
        let attributes: BTreeMap<TraitName, Attribute> = [
            ("a".into(), attribute("1".into(), 1, record())),
            ("b".into(), attribute(Value::Null, 1, record())),
            ("c".into(), attribute(true.into(), 2, record())),
            ("d".into(), attribute("x".into(), 2, Origin::Weak("web".into()))),
        ]
        .into();
        let bytes = pack_attributes(&attributes);
        assert_eq!(unpack_attributes(&bytes).unwrap(), attributes);
        assert!(bytes.len() < 120, "{} bytes", bytes.len());
        let one = attribute("x".into(), 2, Origin::Computed);
        assert_eq!(unpack_attribute(&pack_attribute(&one)).unwrap(), one);
    }

    #[test]
    fn scores_read_back_to_the_last_bit() {
        let scores = vec![Score {
            name: "lead".into(),
            value: 0.1 + 0.2,
            parts: vec![ScorePart { label: "Pricing page".into(), points: 1.0 / 3.0, matches: 4 }],
            capped: true,
        }];
        assert_eq!(unpack_scores(&pack_scores(&scores)).unwrap(), scores);
    }
}
