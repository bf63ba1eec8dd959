//! Which path means what. The long and the one-letter forms, with and without `/v1`, and RudderStack's own.

/// What a request wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// One message of this type.
    One(&'static str),
    Batch,
    /// The settings that a browser SDK loads before it sends.
    Settings {
        write_key: String,
    },
    /// The same of RudderStack's SDK; the key comes as Basic authorization or query.
    SourceConfig,
    /// A message in the query of an image's address.
    Pixel(&'static str),
    Health,
}

impl Route {
    /// The method it is asked for with.
    pub fn method(&self) -> &'static str {
        match self {
            Self::One(_) | Self::Batch => "POST",
            _ => "GET",
        }
    }
}

/// Reads a path; a trailing slash is nothing.
pub(super) fn route(path: &str) -> Option<Route> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let rest = match segments.as_slice() {
        ["v1", rest @ ..] | ["beacon", "v1", rest @ ..] => rest,
        ["pixel", "v1", kind] => return one(kind).filter(|kind| matches!(*kind, "track" | "page")).map(Route::Pixel),
        ["health"] => return Some(Route::Health),
        ["sourceConfig"] | ["sourceConfig", _] => return Some(Route::SourceConfig),
        all => all,
    };
    match rest {
        ["batch" | "b" | "import"] => Some(Route::Batch),
        ["projects", key, "settings"] => Some(Route::Settings { write_key: (*key).to_owned() }),
        [kind] => one(kind).map(Route::One),
        _ => None,
    }
}

fn one(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "track" | "t" => "track",
        "identify" | "i" => "identify",
        "page" | "p" => "page",
        "screen" | "s" => "screen",
        "group" | "g" => "group",
        "alias" | "a" => "alias",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_every_path() {
        let cases = [
            ("/v1/track", Some(Route::One("track"))),
            ("/v1/t", Some(Route::One("track"))),
            ("/t/", Some(Route::One("track"))),
            ("/v1/alias", Some(Route::One("alias"))),
            ("/v1/batch", Some(Route::Batch)),
            ("/b", Some(Route::Batch)),
            ("/v1/import", Some(Route::Batch)),
            ("/beacon/v1/batch", Some(Route::Batch)),
            ("/pixel/v1/page", Some(Route::Pixel("page"))),
            ("/pixel/v1/alias", None),
            ("/v1/projects/k1/settings", Some(Route::Settings { write_key: "k1".into() })),
            ("/projects/k1/settings", Some(Route::Settings { write_key: "k1".into() })),
            ("/sourceConfig/", Some(Route::SourceConfig)),
            ("/health", Some(Route::Health)),
            ("/v1", None),
            ("/v2/track", None),
            ("/v1/track/x", None),
            ("/", None),
        ];
        for (path, want) in cases {
            assert_eq!(route(path), want, "{path}");
        }
    }
}
