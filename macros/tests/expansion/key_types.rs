#[derive(NetabaseKey, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[netabase(crate = crate::storage)]
pub struct Slug(String);

#[derive(NetabaseKey, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u8,
    pub minor: u16,
}

#[derive(NetabaseKey, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Low = -1,
    High = 1,
}
