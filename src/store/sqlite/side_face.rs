//! The face's part about writes beside a record's fields, carried out by SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use connector::{ConnectionName, Object, Timestamp};

use super::gate::Gate;
use super::{SqliteStore, side, side_rows};
use crate::model::{Desire, RunId, SideEntry, SideRow};
use crate::store::{
    Lease, Listener, LostPlaces, PlaceWaiting, Result, SideLimit, SideOf, SideSettled, SideTally, SideWrites, Whom,
};

#[async_trait]
impl SideWrites for SqliteStore {
    async fn desire(
        &self,
        connection: &ConnectionName,
        object: &Object,
        now: Timestamp,
        desires: Vec<Desire>,
    ) -> Result<u64> {
        let (connection, object, privacy) = (connection.clone(), object.clone(), self.privacy());
        self.write("take wishes", move |session| match session.find_place(&connection, &object)? {
            Some(place) => side::desire(&Gate::open(session, &privacy)?, place, now, &desires),
            None => Ok(0),
        })
        .await
    }

    async fn take_back(&self, connection: &ConnectionName, object: &Object, now: Timestamp) -> Result<u64> {
        let (connection, object, privacy) = (connection.clone(), object.clone(), self.privacy());
        self.write("take back side writes", move |session| match session.find_place(&connection, &object)? {
            Some(place) => side::take_back(&Gate::open(session, &privacy)?, place, now),
            None => Ok(0),
        })
        .await
    }

    async fn lost_places(
        &self,
        connection: &ConnectionName,
        object: &Object,
        now: Timestamp,
        lost: LostPlaces,
    ) -> Result<u64> {
        let (connection, object) = (connection.clone(), object.clone());
        self.write("compare who is on a list", move |session| match session.find_place(&connection, &object)? {
            Some(place) => side::lost_places(session, place, now, &lost),
            None => Ok(0),
        })
        .await
    }

    async fn waiting_places(&self, connection: &ConnectionName, object: &Object) -> Result<Vec<PlaceWaiting>> {
        let (connection, object) = (connection.clone(), object.clone());
        self.read("read waiting places on lists", move |session| match session.find_place(&connection, &object)? {
            Some(place) => side_rows::waiting_places(session, place),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn lease_side(
        &self,
        connection: &ConnectionName,
        object: &Object,
        lease: Lease,
        limit: SideLimit,
    ) -> Result<Vec<SideEntry>> {
        let (connection, object, privacy) = (connection.clone(), object.clone(), self.privacy());
        self.write("lease side writes", move |session| match session.find_place(&connection, &object)? {
            Some(place) => side::lease(&Gate::open(session, &privacy)?, place, &lease, limit),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn settle_side(&self, run: RunId, now: Timestamp, settled: Vec<SideSettled>) -> Result<()> {
        self.write("settle side writes", move |session| side::settle(session, run, now, &settled)).await
    }

    async fn reclaim_side(&self, connection: &ConnectionName, object: &Object, worker: &Arc<str>) -> Result<u64> {
        let (connection, object, worker) = (connection.clone(), object.clone(), worker.clone());
        self.write("reclaim side writes", move |session| match session.find_place(&connection, &object)? {
            Some(place) => Ok(session.run(
                "UPDATE side_write SET state = 2, worker = NULL, lease_until = NULL
                 WHERE place = ?1 AND state = 1 AND worker = ?2",
                (place, &*worker),
            )? as u64),
            None => Ok(0),
        })
        .await
    }

    async fn audience(
        &self,
        connection: &ConnectionName,
        object: &Object,
        lane: &str,
        whom: Whom,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Listener>> {
        let (connection, object, lane) = (connection.clone(), object.clone(), lane.to_owned());
        self.read("read an audience", move |session| match session.find_place(&connection, &object)? {
            Some(place) => side_rows::audience(session, place, &lane, &whom, after, limit),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn told_since(
        &self,
        connection: &ConnectionName,
        object: &Object,
        lanes: &str,
        since: Timestamp,
    ) -> Result<u64> {
        let (connection, object, lanes) = (connection.clone(), object.clone(), lanes.to_owned());
        self.read("count what was told", move |session| match session.find_place(&connection, &object)? {
            Some(place) => Ok(super::stats::unsigned(session.number(
                "SELECT count(*) FROM side_write WHERE place = ?1 AND (told_at >= ?2 OR state < 3)
                     AND substr(lane, 1, length(?3)) = ?3",
                (place, since.micros(), &lanes),
            )?)),
            None => Ok(0),
        })
        .await
    }

    async fn side_tally(&self, connection: &ConnectionName, object: &Object) -> Result<SideTally> {
        let (connection, object) = (connection.clone(), object.clone());
        self.read("count side writes", move |session| match session.find_place(&connection, &object)? {
            Some(place) => side::tally(session, place),
            None => Ok(SideTally::default()),
        })
        .await
    }

    async fn side_writes(&self, whose: SideOf, limit: usize) -> Result<Vec<SideRow>> {
        self.read("read side writes", move |session| side_rows::shown(session, &whose, limit)).await
    }
}
