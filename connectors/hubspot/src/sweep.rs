//! Sweeps: HubSpot has no log of deletions, and an edited association moves no stamp, so both are listed whole.

use connector::{Error, ErrorKind, Object, Page, PullRequest};

use crate::api::Api;
use crate::convert::tombstone;
use crate::cursor::Place;
use crate::wanted::Wanted;

/// More pages than HubSpot keeps records for.
const MOST_PAGES: u32 = 5_000_000;

/// One page of the archived records.
pub(crate) async fn deletions(api: &Api, request: &PullRequest, object: &Object) -> Result<Page, Error> {
    let (after, pages) = place(request)?;
    let page = api.list(object, &Wanted::nothing(), after.as_deref(), true, &[]).await?;
    let (resume, more) = next(after, page.after.clone(), pages)?;
    Ok(Page {
        records: Vec::new(),
        tombstones: page.rows.iter().map(tombstone).collect(),
        resume: resume.to_cursor()?,
        more,
        full_load_done: !more,
        undefined: Vec::new(),
    })
}

/// One page of every record's associations.
pub(crate) async fn associations(api: &Api, request: &PullRequest, object: &Object) -> Result<Page, Error> {
    let (after, pages) = place(request)?;
    let (page, records) = api.associations_page(request, object, after.as_deref()).await?;
    let (resume, more) = next(after, page.after, pages)?;
    let resume = resume.to_cursor()?;
    Ok(Page { records, tombstones: Vec::new(), resume, more, full_load_done: !more, undefined: Vec::new() })
}

fn place(request: &PullRequest) -> Result<(Option<String>, u32), Error> {
    match request.cursor.as_ref().map_or_else(|| Ok(Place::sweep()), Place::from_cursor)? {
        Place::Sweep { after, pages, .. } => Ok((after, pages)),
        _ => Err(protocol("the checkpoint belongs to another stream")),
    }
}

/// Where a sweep goes on; after its last page, from the beginning again.
fn next(after: Option<String>, next: Option<String>, pages: u32) -> Result<(Place, bool), Error> {
    match next {
        None => Ok((Place::sweep(), false)),
        Some(next) if Some(&next) == after.as_ref() => {
            Err(protocol("HubSpot named the same page as the next one again"))
        }
        Some(_) if pages >= MOST_PAGES => Err(protocol("the pages do not end")),
        Some(next) => Ok((Place::Sweep { after: Some(next), archived: false, pages: pages + 1 }, true)),
    }
}

fn protocol(why: &str) -> Error {
    Error::new(ErrorKind::Protocol, "sweep HubSpot's records", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_ends_and_begins_again() {
        assert_eq!(next(Some("5".into()), None, 9), Ok((Place::sweep(), false)));
        let (place, more) = next(None, Some("5".into()), 0).unwrap();
        assert!(more);
        assert_eq!(place, Place::Sweep { after: Some("5".into()), archived: false, pages: 1 });
        assert!(next(Some("5".into()), Some("5".into()), 1).is_err());
        assert!(next(Some("5".into()), Some("6".into()), MOST_PAGES).is_err());
    }
}
