//! What is generated for models, used as an application uses it.

#![deny(missing_docs, warnings)]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::HashSet;

use netabase_store::__private::{
    AnySecondaryKey, EncodeKey, Key, KeyShape, NetabaseDefinitionTrait, NetabaseModelTrait, Record,
    SecondaryKey, bincode as codec, strum,
};
use netabase_store::netabase_definition_module;
use strum::IntoEnumIterator;

/// A blog.
#[netabase_definition_module(BlogDefinition, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    /// Who writes.
    #[derive(
        NetabaseModel,
        Clone,
        Debug,
        PartialEq,
        bincode::Encode,
        bincode::Decode,
        serde::Serialize,
        serde::Deserialize,
    )]
    #[netabase(BlogDefinition)]
    pub struct User {
        /// Number.
        #[primary_key]
        pub id: u64,
        /// Name.
        pub name: String,
        /// Address.
        #[secondary_key(unique)]
        pub email: String,
        /// In years.
        #[secondary_key]
        pub age: u32,
        /// A picture.
        pub avatar: Option<Vec<u8>>,
        /// What the user is called too.
        pub nick: Option<std::string::String>,
        /// A public key.
        #[secondary_key]
        pub key: Vec<u8>,
        /// What the user likes.
        pub tags: Vec<String>,
    }

    /// What is written.
    #[derive(
        NetabaseModel,
        Clone,
        Debug,
        PartialEq,
        Eq,
        bincode::Encode,
        bincode::Decode,
        serde::Serialize,
        serde::Deserialize,
    )]
    #[netabase(BlogDefinition)]
    pub struct Post {
        /// Whose.
        #[primary_key]
        pub author_id: u64,
        /// Which.
        #[primary_key]
        pub slug: String,
        /// Of which kind.
        #[secondary_key]
        pub r#type: Option<u8>,
    }

    /// Where: nothing in it to borrow, and no secondary key.
    #[derive(NetabaseModel, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[netabase(BlogDefinition)]
    pub struct Place {
        /// Which.
        #[primary_key]
        pub id: i32,
        /// In degrees.
        pub latitude: f64,
    }

    /// What has serde's traits and not bincode's.
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    pub struct Measure(pub u16, pub String);

    /// What was measured.
    #[derive(
        NetabaseModel,
        Clone,
        Debug,
        PartialEq,
        bincode::Encode,
        bincode::Decode,
        serde::Serialize,
        serde::Deserialize,
    )]
    #[netabase(BlogDefinition)]
    pub struct Sample {
        /// When.
        #[primary_key]
        #[bincode(with_serde)]
        pub time: u64,
        /// How much.
        #[bincode(with_serde)]
        pub measure: Measure,
        /// Of what.
        #[bincode(with_serde)]
        pub text: String,
        /// Why.
        pub note: String,
    }
}

use blog::*;

fn user() -> User {
    User {
        id: 300,
        name: "Ada".to_owned(),
        email: "ada@example.org".to_owned(),
        age: 36,
        avatar: Some(vec![1, 2, 3]),
        nick: None,
        key: vec![9, 0, 9],
        tags: vec!["engines".to_owned()],
    }
}

fn post() -> Post {
    Post {
        author_id: 300,
        slug: "notes".to_owned(),
        r#type: Some(7),
    }
}

fn encoded<R: Record>(record: &R) -> Vec<u8> {
    let mut out = Vec::new();
    netabase_core::model::value::encode(record, &mut out).unwrap();
    out
}

fn key_bytes(key: &impl EncodeKey) -> Vec<u8> {
    netabase_core::codec::key::encode(key)
}

#[test]
fn a_record_has_the_bytes_of_the_derive_of_bincode() {
    let config = codec::config::standard();
    assert_eq!(
        encoded(&user()),
        codec::encode_to_vec(user(), config).unwrap()
    );
    assert_eq!(
        encoded(&post()),
        codec::encode_to_vec(post(), config).unwrap()
    );
    let sample = Sample {
        time: 1,
        measure: Measure(300, "m".to_owned()),
        text: "text".to_owned(),
        note: "note".to_owned(),
    };
    let bytes = encoded(&sample);
    assert_eq!(bytes, codec::encode_to_vec(&sample, config).unwrap());
    let view = netabase_core::model::value::decode_ref::<Sample>(&bytes).unwrap();
    assert_eq!(Sample::from(view), sample);
    let bytes = encoded(&user());
    assert_eq!(
        netabase_core::model::value::decode::<User>(&bytes).unwrap(),
        user()
    );
}

#[test]
fn a_view_borrows_strings_and_bytes_from_the_stored_record() {
    let bytes = encoded(&user());
    let view: UserRef<'_> = netabase_core::model::value::decode_ref::<User>(&bytes).unwrap();
    let within = |part: &[u8]| bytes.as_ptr_range().contains(&part.as_ptr());
    assert!(within(view.name.as_bytes()) && within(view.key) && within(view.avatar.unwrap()));
    let UserRef {
        id,
        name,
        email,
        age,
        avatar,
        nick,
        key,
        ref tags,
    } = view;
    assert_eq!((id, name, email, age), (300, "Ada", "ada@example.org", 36));
    assert_eq!((avatar, nick), (Some([1, 2, 3].as_slice()), None::<&str>));
    assert_eq!((key, tags), ([9, 0, 9].as_slice(), &user().tags));
    assert_eq!(view.clone().into_model(), user());
    assert_eq!(User::from(view), user());
}

#[test]
fn a_model_with_nothing_to_borrow_is_its_own_view() {
    let place = Place {
        id: -1,
        latitude: 51.5,
    };
    let bytes = encoded(&place);
    let view: PlaceRef<'_> = netabase_core::model::value::decode_ref::<Place>(&bytes).unwrap();
    let PlaceRef { id, latitude } = &view;
    assert_eq!((*id, *latitude), (-1, 51.5));
    let owned: Place = view;
    assert_eq!(owned, place);
}

#[test]
fn keys_are_those_of_the_fields() {
    assert_eq!(user().primary_key(), UserPrimaryKey(300));
    assert_eq!(
        user().secondary_keys(),
        [
            UserSecondaryKeys::Email(UserEmailSecondaryKey("ada@example.org".to_owned())),
            UserSecondaryKeys::Age(UserAgeSecondaryKey(36)),
            UserSecondaryKeys::Key(UserKeySecondaryKey(vec![9, 0, 9])),
        ]
    );
    assert_eq!(
        post().primary_key(),
        PostPrimaryKey(300, "notes".to_owned())
    );
    assert_eq!(
        post().secondary_keys(),
        [PostSecondaryKeys::from(PostTypeSecondaryKey(Some(7)))]
    );
    assert_eq!(
        PostPrimaryKey::from((300, "notes".to_owned())),
        post().primary_key()
    );
    assert_eq!(
        Place {
            id: 1,
            latitude: 0.0
        }
        .secondary_keys(),
        []
    );
    assert_eq!(
        UserKey::from(UserPrimaryKey::from(1)),
        UserKey::Primary(UserPrimaryKey(1))
    );
}

#[test]
fn keys_encode_as_their_fields_do_from_records_views_and_themselves() {
    let stored = encoded(&user());
    let view = netabase_core::model::value::decode_ref::<User>(&stored).unwrap();
    let fields = [
        key_bytes(&"ada@example.org"),
        key_bytes(&36u32),
        key_bytes(&vec![9u8, 0, 9]),
    ];
    for (index, key) in user().secondary_keys().iter().enumerate() {
        let (mut of_record, mut of_ref) = (Vec::new(), Vec::new());
        user().encode_secondary_key(index, &mut of_record);
        User::encode_secondary_key_of(&view, index, &mut of_ref);
        assert_eq!(key.index(), index);
        assert_eq!(key_bytes(key), fields[index]);
        assert_eq!(of_record, fields[index]);
        assert_eq!(of_ref, fields[index]);
    }
    let mut primary = Vec::new();
    post().encode_primary_key(&mut primary);
    assert_eq!(primary, key_bytes(&(300u64, "notes".to_owned())));
    assert_eq!(primary, key_bytes(&post().primary_key()));
    assert_eq!(
        PostPrimaryKey::decode_key(&mut primary.as_slice()).unwrap(),
        post().primary_key()
    );
    PostPrimaryKey::skip_key(&mut primary.as_slice()).unwrap();
    assert_eq!(UserKeySecondaryKey::INDEX, 2);
}

#[test]
fn keys_order_and_hash_as_their_fields_do() {
    let key = |author, slug: &str| PostPrimaryKey(author, slug.to_owned());
    assert!(key(1, "b") < key(2, "a") && key(2, "a") < key(2, "b"));
    let keys = HashSet::from([key(1, "a"), key(1, "b"), key(1, "a")]);
    assert_eq!(keys.len(), 2);
    assert!(keys.contains(&key(1, "b")));
}

#[test]
fn the_model_is_described_as_it_is_stored() {
    let info = User::INFO;
    let fields: Vec<_> = info
        .fields
        .iter()
        .map(|field| (field.name, field.ty))
        .collect();
    assert_eq!(
        fields,
        [
            ("id", "u64"),
            ("name", "String"),
            ("email", "String"),
            ("age", "u32"),
            ("avatar", "Option<Vec<u8>>"),
            ("nick", "Option<String>"),
            ("key", "Vec<u8>"),
            ("tags", "Vec<String>"),
        ]
    );
    let indexes: Vec<_> = info
        .indexes
        .iter()
        .map(|index| (index.name, index.tree, index.key.to_string(), index.unique))
        .collect();
    assert_eq!(
        indexes,
        [
            ("email", "User.email", "str".to_owned(), true),
            ("age", "User.age", "u32".to_owned(), false),
            ("key", "User.key", "bytes".to_owned(), false),
        ]
    );
    assert_eq!(info.primary_key, KeyShape::Fixed("u64", 8));
    assert_eq!(Post::INFO.primary_key.to_string(), "(u64,str)");
    assert_eq!(Post::INFO.fields[2].name, "type");
    assert_eq!(Post::INFO.indexes[0].tree, "Post.type");
}

#[test]
fn the_definition_is_an_enum_of_its_models() {
    let any: BlogDefinition = user().into();
    assert_eq!(BlogDefinition::NAME, "BlogDefinition");
    assert_eq!(any.discriminant_name(), "User");
    assert_eq!(any, BlogDefinition::User(user()));
    assert_eq!(
        any.to_key().unwrap(),
        BlogKeys::User(UserKey::Primary(UserPrimaryKey(300)))
    );
    let names: Vec<_> = BlogDefinition::MODELS
        .iter()
        .map(|model| model.name)
        .collect();
    assert_eq!(names, ["User", "Post", "Place", "Sample"]);
    assert_eq!(
        <User as NetabaseModelTrait<BlogDefinition>>::DISCRIMINANT,
        BlogDefinitionDiscriminant::User
    );
    assert_eq!(User::discriminant_name(), "User");
    assert_eq!(User::try_from(any.clone()).unwrap(), user());
    assert_eq!(Post::try_from(any.clone()).unwrap_err(), any);
}

#[test]
fn discriminants_have_the_traits_of_strum() {
    let all: Vec<_> = BlogDefinitionDiscriminant::iter().collect();
    let names: Vec<_> = all.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["User", "Post", "Place", "Sample"]);
    assert_eq!(format!("{:>6}", BlogKeysDiscriminant::Post), "  Post");
    let any = BlogDefinition::from(post());
    assert_eq!(BlogDefinitionDiscriminant::from(&any), all[1]);
    assert_eq!(strum::IntoDiscriminant::discriminant(&any), all[1]);
    assert_eq!(<&'static str>::from(&any), "Post");
    assert_eq!(
        BlogKeysDiscriminant::from(BlogKeys::from(UserKey::from(UserPrimaryKey(1)))),
        BlogKeysDiscriminant::User
    );
}

/// The generated enums, as bincode's own derive has them.
#[derive(bincode::Encode)]
enum Plain {
    User(User),
    Post(Post),
}

#[test]
fn the_definition_has_the_bytes_of_the_derive_of_bincode() {
    let config = codec::config::standard();
    for (any, plain) in [
        (BlogDefinition::from(user()), Plain::User(user())),
        (BlogDefinition::from(post()), Plain::Post(post())),
    ] {
        let bytes = codec::encode_to_vec(&any, config).unwrap();
        assert_eq!(bytes, codec::encode_to_vec(plain, config).unwrap());
        let (decoded, read): (BlogDefinition, _) =
            codec::decode_from_slice(&bytes, config).unwrap();
        assert_eq!((decoded, read), (any.clone(), bytes.len()));
        let (borrowed, _): (BlogDefinition, _) =
            codec::borrow_decode_from_slice(&bytes, config).unwrap();
        assert_eq!(borrowed, any);
    }
    assert!(codec::decode_from_slice::<BlogDefinition, _>(&[4], config).is_err());
}

#[test]
fn keys_survive_bincode() {
    let config = codec::config::standard();
    for keys in [
        BlogKeys::User(UserKey::Primary(UserPrimaryKey(u64::MAX))),
        BlogKeys::User(UserKey::Secondary(user().secondary_keys().remove(0))),
        BlogKeys::Post(PostKey::Primary(post().primary_key())),
    ] {
        let bytes = codec::encode_to_vec(&keys, config).unwrap();
        let (decoded, read): (BlogKeys, _) = codec::decode_from_slice(&bytes, config).unwrap();
        assert_eq!((decoded, read), (keys, bytes.len()));
    }
    assert!(codec::decode_from_slice::<PlaceSecondaryKeys, _>(&[0], config).is_err());
}

#[test]
fn the_definition_serialises_where_its_models_do() {
    fn serialises<T: serde::Serialize + serde::de::DeserializeOwned>() {}
    serialises::<BlogDefinition>();
}

/// A definition of its own, so that the blog stays as it is.
#[netabase_definition_module(NestedDefinition, NestedKeys)]
mod nested {
    use netabase_store::{NetabaseModel, netabase};

    /// Text under two options, which is not borrowed.
    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(NestedDefinition)]
    pub struct Nested {
        /// Number.
        #[primary_key]
        pub id: u8,
        /// Nothing, no text, or text.
        pub text: Option<Option<String>>,
        /// Bytes, further down.
        pub bytes: Option<Option<Option<Vec<u8>>>>,
    }
}

#[test]
fn a_damaged_length_under_options_is_an_error() {
    use nested::Nested;
    let record = Nested {
        id: 1,
        text: Some(Some("x".to_owned())),
        bytes: Some(Some(Some(vec![7]))),
    };
    let mut good = Vec::new();
    netabase_core::model::value::encode(&record, &mut good).unwrap();
    assert_eq!(good, [1, 1, 1, 1, b'x', 1, 1, 1, 1, 7]);
    let huge = [0xFD, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    let large = [0xFD, 0, 0, 0, 0, 0, 1, 0, 0];
    for length in [huge, large] {
        for bad in [
            [&good[..3], &length].concat(),
            [&good[..8], &length].concat(),
        ] {
            let error = netabase_core::model::value::decode::<Nested>(&bad).unwrap_err();
            assert_eq!(error.kind(), netabase_store::ErrorKind::Codec, "{error:?}");
        }
    }
}
