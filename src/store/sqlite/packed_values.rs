//! Computed values: their names once for everybody who has the same ones, their values per profile.
//!
//! A blob is a hash of the names and then the values in the order of the names. The names are in `shape`. What an older Ferry wrote,
//! and what has names too odd to be shared, holds the names itself.

use std::cell::RefCell;
use std::rc::Rc;

use connector::Value;
use xxhash_rust::xxh3::Xxh3;

use super::fault::{Fallible, Fault};
use super::packed::{Packer, Unpacker};
use super::profiles::blob;
use super::session::Session;
use crate::model::{TraitName, TraitValues};

/// So many different lists of names are shared: companies' traits differ, but not without end.
const MOST_SHAPES: i64 = 2_000;

/// The lists of names that an operation has met, the latest last.
#[derive(Default)]
pub(super) struct Shapes(RefCell<Vec<(i64, Rc<[TraitName]>)>>);

impl Shapes {
    fn known(&self, hash: i64) -> Option<Rc<[TraitName]>> {
        let known = self.0.borrow();
        known.iter().rev().find(|(other, _)| *other == hash).map(|(_, names)| names.clone())
    }

    fn learn(&self, hash: i64, names: Rc<[TraitName]>) -> Rc<[TraitName]> {
        self.0.borrow_mut().push((hash, names.clone()));
        names
    }
}

/// The bytes of some values. Equal values have equal bytes.
pub(super) fn pack_values(session: &Session<'_>, values: &TraitValues) -> Fallible<Vec<u8>> {
    if values.is_empty() {
        return Ok(pack_no_values());
    }
    let hash = hash_of(values.keys());
    if !is_shared(session, hash, values)? {
        let mut out = Packer::new(16 + 24 * values.len());
        put_named(&mut out, values.iter());
        return Ok(out.done());
    }
    let mut out = Packer::shaped(16 + 4 * values.len());
    out.whole(hash);
    values.values().for_each(|value| out.value(value));
    Ok(out.done())
}

/// No values: what a profile starts with.
pub(super) fn pack_no_values() -> Vec<u8> {
    let mut out = Packer::new(2);
    put_named(&mut out, [].into_iter());
    out.done()
}

/// In the order of the names.
pub(super) fn unpack_values(session: &Session<'_>, bytes: &[u8]) -> Fallible<Vec<(TraitName, Value)>> {
    let Some(mut from) = Unpacker::of_shaped(bytes) else {
        return take_named(&mut Unpacker::new(bytes)?);
    };
    let names = names_of(session, from.whole()?)?;
    names.iter().map(|name| Ok((name.clone(), from.value()?))).collect()
}

/// Values beside their names, where they are not shared.
pub(super) fn put_named<'a>(out: &mut Packer, values: impl ExactSizeIterator<Item = (&'a TraitName, &'a Value)>) {
    out.count(values.len() as u64);
    for (name, value) in values {
        out.text(name);
        out.value(value);
    }
}

pub(super) fn take_named(from: &mut Unpacker<'_>) -> Fallible<Vec<(TraitName, Value)>> {
    let length = from.length()?;
    let mut values = Vec::with_capacity(length);
    for _ in 0..length {
        values.push((from.text()?, from.value()?));
    }
    Ok(values)
}

fn hash_of<'a>(names: impl Iterator<Item = &'a TraitName>) -> i64 {
    let mut hasher = Xxh3::new();
    for name in names {
        hasher.update(name.as_bytes());
        // In no name: whatever is beside it cannot be taken for part of it.
        hasher.update(b"\0");
    }
    hasher.digest().cast_signed()
}

/// Whether the names are in `shape`, where they are put if there is room.
fn is_shared(session: &Session<'_>, hash: i64, values: &TraitValues) -> Fallible<bool> {
    let same = |names: &[TraitName]| names.iter().eq(values.keys());
    if let Some(names) = session.shapes.known(hash) {
        return Ok(same(&names));
    }
    if let Some(names) = stored(session, hash)? {
        return Ok(same(&session.shapes.learn(hash, names)));
    }
    if session.number("SELECT count(*) FROM shape", [])? >= MOST_SHAPES {
        return Ok(false);
    }
    let mut out = Packer::new(16 * values.len());
    out.count(values.len() as u64);
    values.keys().for_each(|name| out.text(name));
    session.run("INSERT INTO shape (hash, names) VALUES (?1, ?2)", (hash, out.done()))?;
    session.shapes.learn(hash, values.keys().cloned().collect());
    Ok(true)
}

fn names_of(session: &Session<'_>, hash: i64) -> Fallible<Rc<[TraitName]>> {
    if let Some(names) = session.shapes.known(hash) {
        return Ok(names);
    }
    let names = stored(session, hash)?.ok_or(Fault::Damaged("the names of some computed values are not there"))?;
    Ok(session.shapes.learn(hash, names))
}

fn stored(session: &Session<'_>, hash: i64) -> Fallible<Option<Rc<[TraitName]>>> {
    let mut statement = session.sql("SELECT names FROM shape WHERE hash = ?1")?;
    let mut rows = statement.query([hash])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut from = Unpacker::new(blob(row, 0)?)?;
    let names: Fallible<Rc<[TraitName]>> = (0..from.length()?).map(|_| from.text()).collect();
    names.map(Some)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use connector::SeededEntropy;
    use rusqlite::Connection;

    use super::super::migrate;
    use super::*;

    fn store() -> Connection {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate::migrate(&mut conn, &Path::new(":memory:").to_string_lossy().into()).unwrap();
        conn
    }

    fn values(names: &[&str]) -> TraitValues {
        names.iter().enumerate().map(|(at, name)| ((*name).into(), Value::from(i64::try_from(at).unwrap()))).collect()
    }

    fn back(session: &Session<'_>, bytes: &[u8]) -> TraitValues {
        unpack_values(session, bytes).unwrap().into_iter().collect()
    }

    #[test]
    fn names_are_kept_once_and_read_back_by_anybody() {
        let (conn, entropy) = (store(), SeededEntropy::new(7));
        let many: Vec<String> = (0..40).map(|n| format!("a_trait_of_some_length_{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let (first, other) = (values(&many), values(&many[1..]));
        let writing = Session::writing(&conn, &entropy);
        let bytes = [pack_values(&writing, &first).unwrap(), pack_values(&writing, &other).unwrap()];
        assert!(bytes[0].len() < 120, "{} bytes", bytes[0].len());
        assert_eq!(pack_values(&writing, &first).unwrap(), bytes[0], "equal values have equal bytes");
        assert_eq!(back(&writing, &bytes[0]), first);
        let reading = Session::reading(&conn);
        assert_eq!((back(&reading, &bytes[0]), back(&reading, &bytes[1])), (first, other));
        assert_eq!(reading.number("SELECT count(*) FROM shape", []).unwrap(), 2);
        assert!(unpack_values(&reading, &bytes[0][..30]).is_err());
        conn.execute("DELETE FROM shape", []).unwrap();
        assert!(unpack_values(&Session::reading(&conn), &bytes[0]).is_err(), "values of nobody's names");
    }

    #[test]
    fn what_an_older_program_wrote_reads_back_and_too_many_shapes_go_on_that_way() {
        let (conn, entropy) = (store(), SeededEntropy::new(7));
        let writing = Session::writing(&conn, &entropy);
        let named = values(&["a", "b"]);
        let mut out = Packer::new(0);
        put_named(&mut out, named.iter());
        let old = out.done();
        assert_eq!(back(&writing, &old), named);
        assert!(back(&writing, &pack_no_values()).is_empty());
        for hash in 0..MOST_SHAPES {
            conn.execute("INSERT INTO shape (hash, names) VALUES (?1, x'0100')", [hash]).unwrap();
        }
        assert_eq!(pack_values(&writing, &named).unwrap(), old);
    }

    #[test]
    fn names_of_another_list_with_the_same_hash_are_never_taken() {
        let (conn, entropy) = (store(), SeededEntropy::new(7));
        let (ours, theirs) = (values(&["ours"]), values(&["theirs"]));
        let mut out = Packer::new(0);
        out.count(1);
        out.text("theirs");
        conn.execute("INSERT INTO shape (hash, names) VALUES (?1, ?2)", (hash_of(ours.keys()), out.done())).unwrap();
        let writing = Session::writing(&conn, &entropy);
        let bytes = pack_values(&writing, &ours).unwrap();
        assert_eq!(back(&writing, &bytes), ours);
        assert_eq!(back(&writing, &pack_values(&writing, &theirs).unwrap()), theirs);
    }
}
