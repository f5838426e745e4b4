use netabase_store::NetabaseKey;

#[derive(NetabaseKey, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Generic<T>(T);

#[derive(NetabaseKey, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Unit;

#[derive(NetabaseKey, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Never {}

#[derive(NetabaseKey, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Circle(u8),
    Square { side: u8 },
    Point,
}

#[derive(NetabaseKey, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u64)]
enum Wide {
    One = 1,
}

#[derive(NetabaseKey, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[repr(align(16), i128)]
enum Wider {
    One = 1,
}

#[derive(NetabaseKey, Clone, Copy)]
union Number {
    integer: u32,
    float: f32,
}

#[derive(NetabaseKey, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[netabase(crates = netabase_store)]
struct Misspelt(u8);

fn main() {}
