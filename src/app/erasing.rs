//! Erasure and retention: the store's steps, one after the other, as long as it takes.

use std::time::Duration;

use connector::{ConnectionName, Object, Timestamp};
use uuid::Uuid;

use super::App;
use crate::config::{ConnectionMode, ConnectionSettings, OnErase, SafetyMode};
use crate::mapping::Source;
use crate::model::{
    Erasing, ErasureStep, Identifier, LeftRecord, Outlived, OwnFields, Receipt, Retained, RetentionPlace,
};
use crate::store::Result;

/// Rows deleted in one transaction.
const CHUNK: usize = 2_000;

/// An erasure that has come to its end.
#[derive(Clone, Debug)]
pub struct Erased {
    pub receipt: Receipt,
    /// Records of the person at the CRMs.
    pub records: Vec<LeftRecord>,
}

impl App {
    /// Erases whoever a key means, and puts them on the suppression list whether they are known or not.
    pub async fn erase(&self, key: &str) -> Result<Erased> {
        let (clear, delete) = match self.settings.privacy.on_erase {
            OnErase::Report => (Vec::new(), Vec::new()),
            OnErase::ClearFields => (self.own_fields(), Vec::new()),
            OnErase::DeleteRecord => (self.own_fields(), self.deletable()),
        };
        let erasing = Erasing { key: key.to_owned(), named: Identifier::parse_key(key), clear, delete };
        let id = self.store.begin_erasure(erasing, self.world.clock.now()).await?;
        fail::fail_point!("erasure.begun");
        self.go_on_erasing(id).await
    }

    async fn go_on_erasing(&self, id: Uuid) -> Result<Erased> {
        loop {
            match self.store.erase_step(id, self.world.clock.now(), CHUNK).await? {
                ErasureStep::More => {}
                ErasureStep::Finished { receipt, records } => return Ok(Erased { receipt, records }),
            }
        }
    }

    /// Brings to an end what a process that died left half erased.
    pub async fn resume_erasures(&self) -> Result<Vec<Erased>> {
        let mut erased = Vec::new();
        for receipt in self.store.erasures().await?.into_iter().filter(|receipt| receipt.finished_at.is_none()) {
            erased.push(self.go_on_erasing(receipt.id).await?);
        }
        Ok(erased)
    }

    /// What only Ferry writes at each CRM.
    fn own_fields(&self) -> Vec<OwnFields> {
        let mut own = Vec::new();
        for connection in &self.settings.connections {
            for mapping in connection.objects.iter().filter(|mapping| mapping.object.is_person()) {
                let ours = mapping.pushes().filter(|one| matches!(one.source, Source::Computed | Source::ProfileId));
                own.push(OwnFields {
                    connection: connection.name.clone(),
                    object: mapping.object.clone(),
                    fields: ours.map(|one| one.field.clone()).collect(),
                });
            }
        }
        own
    }

    /// Whether an erasure deletes records of this object at a CRM.
    pub fn deletes_at_crm(&self, connection: &ConnectionName, object: &Object) -> bool {
        self.settings.privacy.on_erase == OnErase::DeleteRecord
            && self.deletable().iter().any(|(name, of)| name == connection && of == object)
    }

    /// Where records of people may be deleted: at connections that write, and never where Ferry only plans.
    fn deletable(&self) -> Vec<(ConnectionName, Object)> {
        if self.settings.safety.mode == SafetyMode::DryRun {
            return Vec::new();
        }
        let written = self.settings.connections.iter().filter(|one| one.mode == ConnectionMode::ReadWrite);
        let people = |one: &ConnectionSettings| {
            // A push that has nothing to write of an object is none.
            let of = one.objects.iter().filter(|of| of.object.is_person() && of.pushes().next().is_some());
            of.map(|mapping| (one.name.clone(), mapping.object.clone())).collect::<Vec<_>>()
        };
        written.flat_map(people).collect()
    }

    /// Deletes what has outlived its time.
    pub async fn retain(&self) -> Result<Retained> {
        let retention = self.settings.privacy.retention;
        let now = self.world.clock.now();
        let ago = |length: Duration| -> Timestamp { now.saturating_sub(length) };
        let outlived = Outlived {
            events: ago(retention.events),
            anonymous: ago(retention.anonymous_profiles),
            bodies: retention.raw_payloads.map(ago),
            lasting: self.model.lasting(),
        };
        let (mut all, mut place) = (Retained::default(), Some(RetentionPlace::default()));
        while let Some(from) = place {
            if self.stop.is_cancelled() {
                break;
            }
            let (some, next) = self.store.retain(outlived.clone(), from, CHUNK).await?;
            all.add(&some);
            place = next;
        }
        Ok(all)
    }
}
