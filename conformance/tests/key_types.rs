//! Keys of the types of `uuid` and `chrono`, and the generated enums, with nothing in scope but the prelude.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use chrono::{DateTime, NaiveDate, Utc};
use netabase_store::prelude::*;
use uuid::Uuid;

#[netabase_definition_module(Diary, DiaryKeys)]
mod diary {
    use chrono::{DateTime, NaiveDate, Utc};
    use netabase_store::{NetabaseModel, netabase};
    use uuid::Uuid;

    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(Diary)]
    pub struct Entry {
        #[primary_key]
        #[bincode(with_serde)]
        pub id: Uuid,
        #[secondary_key]
        #[bincode(with_serde)]
        pub written: DateTime<Utc>,
        #[secondary_key]
        #[bincode(with_serde)]
        pub day: Option<NaiveDate>,
    }

    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(Diary)]
    pub struct Appointment {
        #[primary_key]
        #[bincode(with_serde)]
        pub at: DateTime<Utc>,
        #[primary_key]
        #[bincode(with_serde)]
        pub with: Uuid,
        #[secondary_key(unique)]
        #[bincode(with_serde)]
        pub token: Uuid,
    }
}
use diary::*;

#[netabase_definition_module(Log, LogKeys)]
mod log {
    use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
    use netabase_store::{NetabaseModel, NetabaseValue, netabase};
    use uuid::Uuid;

    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(Log)]
    pub struct Line {
        #[primary_key]
        pub id: Uuid,
        #[secondary_key]
        pub at: DateTime<Utc>,
        pub local: Option<NaiveDateTime>,
        pub days: Vec<NaiveDate>,
        pub author: Author,
    }

    #[derive(NetabaseValue, Debug, Clone, PartialEq)]
    pub struct Author {
        pub id: Uuid,
        pub since: Option<DateTime<Utc>>,
    }
}

/// Fields of these types need no attribute, wherever they are, and take their natural size.
#[test]
fn uuids_and_date_times_are_fields_in_their_natural_size() {
    use log::{Author, Line, LinePrimaryKey, Log};

    let author = Author {
        id: Uuid::from_u128(7),
        since: Some(time(-3)),
    };
    let line = Line {
        id: Uuid::from_u128(1 << 100),
        at: time(1_700_000_000),
        local: Some(time(5).naive_utc()),
        days: vec![NaiveDate::from_num_days_from_ce_opt(738_000).unwrap()],
        author,
    };
    let store = NetabaseStore::<Log, _>::memory().unwrap();
    let lines = store.open_tree::<Line>();
    lines.put(&line).unwrap();
    assert_eq!(lines.get(LinePrimaryKey(line.id)).unwrap().unwrap(), line);
    assert_eq!(
        lines
            .get_by::<log::LineAtSecondaryKey>(line.at)
            .unwrap()
            .len(),
        1
    );
    let mut bytes = Vec::new();
    netabase_core::model::value::encode(&line, &mut bytes).unwrap();
    assert_eq!(bytes.len(), 16 + 12 + (1 + 12) + (1 + 4) + 16 + (1 + 12));
    assert_eq!(bytes[..16], (1u128 << 100).to_be_bytes());
    assert_eq!(bytes[16..24], 1_700_000_000i64.to_le_bytes());
    assert_eq!(bytes[24..28], 500u32.to_le_bytes());
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 500).unwrap()
}

fn entry(id: u128, written: i64, day: Option<i32>) -> Entry {
    Entry {
        id: Uuid::from_u128(id),
        written: time(written),
        day: day.map(|day| NaiveDate::from_num_days_from_ce_opt(day).unwrap()),
    }
}

#[test]
fn records_order_by_uuids_and_points_in_time() {
    let store = NetabaseStore::<Diary, _>::memory().unwrap();
    let entries = [
        entry(u128::MAX, -1, Some(-5)),
        entry(1 << 64, 70_000, None),
        entry(2, 300, Some(5)),
    ];
    store.open_tree::<Entry>().put_many(&entries).unwrap();
    let [last, middle, first] = entries;
    let txn = store.read();
    let view = txn.open_tree::<Entry>();
    let records = |found: Vec<Result<_, NetabaseError>>| -> Vec<Entry> {
        found
            .into_iter()
            .map(|item: Result<(EntryPrimaryKey, _), _>| item.unwrap().1)
            .collect()
    };
    assert_eq!(
        records(view.iter().unwrap().collect()),
        [first.clone(), middle.clone(), last.clone()]
    );
    let from = EntryPrimaryKey(Uuid::from_u128(3));
    assert_eq!(
        records(view.range(from..).unwrap().collect()),
        [middle.clone(), last.clone()]
    );
    let written = view.range_by::<EntryWrittenSecondaryKey>(..).unwrap();
    assert_eq!(
        records(written.collect()),
        [last.clone(), first.clone(), middle.clone()]
    );
    let until = EntryWrittenSecondaryKey(time(300));
    assert_eq!(
        records(view.range_by(..=until).unwrap().collect()),
        [last.clone(), first.clone()]
    );
    let days = view.range_by::<EntryDaySecondaryKey>(..).unwrap();
    assert_eq!(records(days.collect()), [middle, last, first]);
}

#[test]
fn records_are_found_overwritten_and_removed_by_such_keys() {
    let store = NetabaseStore::<Diary, _>::memory().unwrap();
    let appointments = store.open_tree::<Appointment>();
    let appointment = |at, token| Appointment {
        at: time(at),
        with: Uuid::from_u128(7),
        token: Uuid::from_u128(token),
    };
    appointments.put(appointment(-1, 1)).unwrap();
    appointments.put(appointment(5, 2)).unwrap();
    let taken = appointments.put(appointment(6, 1)).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
    appointments.put(appointment(-1, 3)).unwrap();
    appointments.put(appointment(6, 1)).unwrap();
    let key = AppointmentPrimaryKey(time(5), Uuid::from_u128(7));
    assert_eq!(appointments.get(&key).unwrap(), Some(appointment(5, 2)));
    assert_eq!(appointments.remove(&key).unwrap(), Some(appointment(5, 2)));
    let by_token = |token| {
        let key = AppointmentTokenSecondaryKey(Uuid::from_u128(token));
        appointments
            .get_by_secondary_key(AppointmentSecondaryKeys::Token(key))
            .unwrap()
    };
    assert_eq!(by_token(1), [appointment(6, 1)]);
    assert_eq!(by_token(2), []);
    assert_eq!(by_token(3), [appointment(-1, 3)]);
}

#[test]
fn the_prelude_has_what_the_generated_enums_are_used_with() {
    let models: Vec<_> = DiaryDiscriminant::iter().collect();
    assert_eq!(
        models,
        [DiaryDiscriminant::Entry, DiaryDiscriminant::Appointment]
    );
    let record = Diary::from(entry(1, 2, None));
    assert_eq!(record.discriminant(), DiaryDiscriminant::Entry);
}
