//! Where a pull goes on, as a connector writes it into a checkpoint: compact JSON with a version. Anything else is refused
//! rather than guessed at.

use connector::{Cursor, Error, ErrorKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How one connector writes its places down.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint {
    /// Whose data the place is in, in the genitive: `Acme's`.
    pub whose: &'static str,
    /// Goes up when an older place can no longer be read.
    pub version: u32,
}

#[derive(Serialize, Deserialize)]
struct Versioned<P> {
    v: u32,
    at: P,
}

impl Checkpoint {
    /// # Errors
    /// Of kind `Protocol`, where the place has a part that JSON cannot say.
    pub fn write<P: Serialize>(&self, place: &P) -> Result<Cursor, Error> {
        serde_json::to_string(&Versioned { v: self.version, at: place }).map(Cursor::new).map_err(|_| {
            Error::new(ErrorKind::Protocol, format!("write down the place in {} data", self.whose), "it is not JSON")
        })
    }

    /// # Errors
    /// Of kind `Protocol`, where it is no place as this version writes it.
    pub fn read<P: DeserializeOwned>(&self, cursor: &Cursor) -> Result<P, Error> {
        let read = serde_json::from_str::<Versioned<P>>(cursor.as_str()).ok();
        let read = read.filter(|versioned| versioned.v == self.version).map(|versioned| versioned.at);
        let why = || format!("it is not a place in {} data as this version writes it", self.whose);
        read.ok_or_else(|| Self::unusable(why()))
    }

    /// A checkpoint of one stream given to another.
    #[must_use]
    pub fn foreign() -> Error {
        Self::unusable("it belongs to another stream")
    }

    /// The error for a checkpoint that cannot be gone on from, with the way out.
    #[must_use]
    pub fn unusable(why: impl Into<String>) -> Error {
        Error::new(ErrorKind::Protocol, "read the checkpoint", why)
            .with_fix("start a full load of this connection (pull with --full)")
    }
}

/// Whether a member of a place says nothing: such are left out, for a checkpoint is stored with every page.
pub fn is_default<T: Default + PartialEq>(member: &T) -> bool {
    *member == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Checkpoint = Checkpoint { whose: "Acme's", version: 2 };

    #[test]
    fn a_place_comes_back_and_anything_else_is_refused_with_the_way_out() {
        let cursor = OURS.write(&(7, "after")).unwrap();
        assert_eq!(cursor.as_str(), r#"{"v":2,"at":[7,"after"]}"#);
        assert_eq!(OURS.read::<(u32, String)>(&cursor).unwrap(), (7, "after".to_owned()));
        for bad in ["", "{}", r#"{"v":1,"at":[7,"after"]}"#, r#"{"v":2,"at":{"elsewhere":{}}}"#] {
            let error = OURS.read::<(u32, String)>(&Cursor::new(bad)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Protocol);
            assert_eq!(error.cause, "it is not a place in Acme's data as this version writes it");
            assert!(error.fix.is_some());
        }
    }
}
