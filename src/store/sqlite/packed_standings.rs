//! Where a profile stands, in the bytes of `packed`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fault::{Fallible, Fault};
use super::packed::{Packer, Unpacker};
use crate::model::{Place, ScorePart, Standings, ToldScore, Watermark};

pub(super) fn pack_standings(standings: &Standings) -> Vec<u8> {
    let mut out = Packer::new(64);
    out.count(u64::from(standings.judged_at.is_some()));
    if let Some(at) = standings.judged_at {
        out.instant(at);
    }
    out.signed(standings.evidence.event);
    out.whole(standings.evidence.traits);
    out.count(u64::from(standings.evidence.known));
    for places in [&standings.bands, &standings.segments] {
        out.count(places.len() as u64);
        for (name, place) in places {
            out.text(name);
            out.count(u64::from(place.inside));
            out.instant(place.since);
        }
    }
    out.count(u64::from(standings.told.is_some()));
    if let Some(told) = &standings.told {
        out.instant(told.at);
        out.float(told.value);
        out.count(told.parts.len() as u64);
        for part in &told.parts {
            out.text(&part.label);
            out.float(part.points);
            out.count(u64::from(part.matches));
        }
    }
    out.done()
}

pub(super) fn unpack_standings(bytes: &[u8]) -> Fallible<Standings> {
    let mut from = Unpacker::new(bytes)?;
    let judged_at = if from.count()? > 0 { Some(from.instant()?) } else { None };
    let evidence = Watermark { event: from.signed()?, traits: from.whole()?, known: from.count()? > 0 };
    let (bands, segments) = (places(&mut from)?, places(&mut from)?);
    let told = if from.count()? > 0 { Some(told(&mut from)?) } else { None };
    Ok(Standings { judged_at, evidence, bands, segments, told })
}

fn places(from: &mut Unpacker<'_>) -> Fallible<BTreeMap<Arc<str>, Place>> {
    let length = from.length()?;
    let mut places = BTreeMap::new();
    for _ in 0..length {
        let name = from.text()?;
        places.insert(name, Place { inside: from.count()? > 0, since: from.instant()? });
    }
    Ok(places)
}

fn told(from: &mut Unpacker<'_>) -> Fallible<ToldScore> {
    let (at, value, length) = (from.instant()?, from.float()?, from.length()?);
    let mut parts = Vec::with_capacity(length);
    for _ in 0..length {
        let (label, points, matches) = (from.text()?, from.float()?, from.count()?);
        let matches = u32::try_from(matches).map_err(|_| Fault::Damaged("a score's count is out of range"))?;
        parts.push(ScorePart { label, points, matches });
    }
    Ok(ToldScore { at, value, parts })
}

#[cfg(test)]
mod tests {
    use connector::Timestamp;

    use super::*;

    #[test]
    fn standings_read_back_and_damage_is_told() {
        let place = |inside, since| Place { inside, since: Timestamp::from_secs(since) };
        let full = Standings {
            judged_at: Some(Timestamp::from_secs(9)),
            evidence: Watermark { event: 77, traits: -5, known: true },
            bands: [("lead.mql".into(), place(true, 3)), ("lead.hot".into(), place(false, 4))].into(),
            segments: [("customers".into(), place(true, 5))].into(),
            told: Some(ToldScore {
                at: Timestamp::from_secs(8),
                value: 1.0 / 3.0,
                parts: vec![ScorePart { label: "Demo form".into(), points: 18.0, matches: 1 }],
            }),
        };
        for standings in [Standings::default(), full] {
            let bytes = pack_standings(&standings);
            assert_eq!(unpack_standings(&bytes).unwrap(), standings);
            for cut in 0..bytes.len() {
                assert!(unpack_standings(&bytes[..cut]).is_err());
            }
        }
    }
}
