//! One leased batch, to its settlement: what has to be looked at is looked at, the rest is sent, every entry is settled.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use super::End;
use super::deliver::{Delivery, by_operation};
use super::look::{self, Failed, Looked};
use super::settle::{self, Tally};
use crate::model::{FieldWritten, OutboxEntry, OutboxId, OutboxState};
use crate::store::Delivered;

/// A batch on its way.
#[derive(Default)]
struct Underway {
    send: Vec<OutboxEntry>,
    settled: Vec<(Delivered, Tally)>,
    /// Fields of entries still to be sent that the CRM holds already.
    held: HashMap<OutboxId, Vec<FieldWritten>>,
}

impl Delivery<'_> {
    /// Whatever happens, every leased entry is settled.
    pub(super) async fn batch(&self, entries: Vec<OutboxEntry>) {
        let unclear = entries.iter().any(|entry| entry.state == OutboxState::Ambiguous);
        if unclear && let Err(error) = self.bring_to_an_end().await {
            let back = entries.iter().map(|entry| settle::still_unclear(entry, &error, self.push.clock.now()));
            let back = back.map(|delivered| (delivered, Tally::Waiting)).collect();
            self.end(End::Crm(error));
            return self.settle(back).await;
        }
        let mut underway = Underway::default();
        let (look, send): (Vec<_>, Vec<_>) = entries.into_iter().partition(look::is_needed);
        underway.send = send;
        let (creates, updates): (Vec<_>, Vec<_>) = look.into_iter().partition(|entry| entry.intent.record.is_none());
        for (entries, are_creates) in [(updates, false), (creates, true)] {
            if let Err(end) = self.look(entries, are_creates, &mut underway).await {
                return self.end(end);
            }
        }
        let Underway { send, mut settled, mut held } = underway;
        let send = match self.routed(send, &mut settled).await {
            Ok(send) => send,
            Err(end) => return self.end(end),
        };
        for group in by_operation(send) {
            settled.extend(self.send(group).await);
        }
        for (delivered, _) in &mut settled {
            if let Some(fields) = held.remove(&delivered.id) {
                delivered.written.extend(fields);
            }
        }
        self.settle(settled).await;
    }

    /// Has the connector bring to an end what a call of this run left under way. Without that, a look could find the CRM as
    /// it was before a write that is still on its way, and send it a second time.
    async fn bring_to_an_end(&self) -> connector::Result<()> {
        let _one_at_a_time = self.recovering.lock().await;
        if self.unclear.swap(false, Ordering::SeqCst) {
            let ended = self.push.connector.recover().await;
            self.unclear.fetch_or(ended.is_err(), Ordering::SeqCst);
            return ended;
        }
        Ok(())
    }

    /// Looks at entries, as many at a time as one read may ask for.
    async fn look(&self, entries: Vec<OutboxEntry>, are_creates: bool, underway: &mut Underway) -> Result<(), End> {
        let most = self.push.connector.capability().read_batch.max(1);
        let mut entries = entries.into_iter();
        loop {
            let chunk: Vec<OutboxEntry> = entries.by_ref().take(most).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            let mut kept = chunk.clone();
            let looked = match are_creates {
                false => look::at_updates(self.push, &self.stager, chunk).await,
                true => look::at_creates(self.push, &self.stager, chunk).await,
            };
            match looked {
                Ok(looked) => {
                    for one in looked {
                        match one {
                            Looked::Done(delivered, tally) => underway.settled.push((delivered, tally)),
                            Looked::Send { entry, settled } => {
                                if !settled.is_empty() {
                                    underway.held.insert(entry.id, settled);
                                }
                                underway.send.push(*entry);
                            }
                        }
                    }
                }
                // Not looked, so not sent: an entry that was ambiguous stays so.
                Err(Failed::Crm(error)) => {
                    kept.extend(entries);
                    underway.settled.extend(self.not_sent(&kept, &error));
                    return Ok(());
                }
                Err(Failed::Run(end)) => return Err(end),
            }
        }
    }
}
