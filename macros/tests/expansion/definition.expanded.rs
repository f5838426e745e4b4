pub mod blog {
    use netabase_store::{NetabaseModel, netabase};
    /// Who writes.
    #[derive(NetabaseModel, Clone, Debug)]
    #[netabase(
        Blog,
        __context(::netabase_store, [], {#[derive(Clone)]#[derive(Debug)]})
    )]
    pub struct User {
        /// Number.
        #[primary_key]
        pub id: u64,
        #[secondary_key(unique)]
        pub email: String,
        #[secondary_key]
        pub r#type: Option<u8>,
        #[bincode(with_serde)]
        picture: image::Picture,
    }
    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(
        Blog,
        __context(
            ::netabase_store,
            [],
            {#[derive(Clone)]#[derive(Debug)]#[derive(PartialEq)]}
        )
    )]
    pub struct Like {
        #[primary_key]
        pub post: u64,
        #[primary_key]
        pub number: u32,
    }
    ///The models that live in one database.
    #[allow(dead_code, deprecated, clippy::large_enum_variant)]
    #[derive(Clone)]
    #[derive(Debug)]
    pub enum Blog {
        /// Who writes.
        User(User),
        ///A [`Like`].
        Like(Like),
    }
    ///The keys of the models of [`Blog`].
    #[allow(dead_code)]
    #[derive(
        ::netabase_store::__private::core::clone::Clone,
        ::netabase_store::__private::core::fmt::Debug,
        ::netabase_store::__private::core::cmp::PartialEq,
        ::netabase_store::__private::core::cmp::Eq,
        ::netabase_store::__private::core::cmp::PartialOrd,
        ::netabase_store::__private::core::cmp::Ord,
        ::netabase_store::__private::core::hash::Hash,
    )]
    pub enum BlogKeys {
        ///A key of a [`User`].
        User(UserKey),
        ///A key of a [`Like`].
        Like(LikeKey),
    }
    ///The variants of [`Blog`], without what is in them.
    #[allow(dead_code)]
    #[derive(
        ::netabase_store::__private::core::clone::Clone,
        ::netabase_store::__private::core::fmt::Debug,
        ::netabase_store::__private::core::cmp::PartialEq,
        ::netabase_store::__private::core::cmp::Eq,
        ::netabase_store::__private::core::cmp::PartialOrd,
        ::netabase_store::__private::core::cmp::Ord,
        ::netabase_store::__private::core::hash::Hash,
    )]
    #[derive(::netabase_store::__private::core::marker::Copy)]
    pub enum BlogDiscriminant {
        ///[`User`].
        User,
        ///[`Like`].
        Like,
    }
    ///The variants of [`BlogKeys`], without what is in them.
    #[allow(dead_code)]
    #[derive(
        ::netabase_store::__private::core::clone::Clone,
        ::netabase_store::__private::core::fmt::Debug,
        ::netabase_store::__private::core::cmp::PartialEq,
        ::netabase_store::__private::core::cmp::Eq,
        ::netabase_store::__private::core::cmp::PartialOrd,
        ::netabase_store::__private::core::cmp::Ord,
        ::netabase_store::__private::core::hash::Hash,
    )]
    #[derive(::netabase_store::__private::core::marker::Copy)]
    pub enum BlogKeysDiscriminant {
        ///[`User`].
        User,
        ///[`Like`].
        Like,
    }
    #[allow(
        deprecated,
        unused_qualifications,
        clippy::all,
        clippy::pedantic,
        clippy::absolute_paths
    )]
    const _: () = {
        use ::netabase_store::__private as __netabase;
        #[allow(unused_imports)]
        use __netabase::OpaqueField as _;
        #[automatically_derived]
        impl __netabase::NetabaseDefinitionTrait for Blog {
            type Keys = BlogKeys;
            type Discriminant = BlogDiscriminant;
            const NAME: &'static str = "Blog";
            const MODELS: &'static [&'static __netabase::ModelInfo] = &[
                &<User as __netabase::Record>::INFO,
                &<Like as __netabase::Record>::INFO,
            ];
            fn visit_models<__V: __netabase::ModelVisitor<Self>>(
                __visitor: &mut __V,
            ) -> __netabase::Result<(), __V::Error> {
                __netabase::ModelVisitor::visit::<User>(__visitor)?;
                __netabase::ModelVisitor::visit::<Like>(__visitor)?;
                __netabase::Ok(())
            }
            fn to_key(&self) -> __netabase::Result<BlogKeys, __netabase::NetabaseError> {
                __netabase::Ok(
                    match self {
                        Self::User(__model) => {
                            BlogKeys::User(
                                UserKey::Primary(
                                    <User as __netabase::NetabaseModelTrait<
                                        Self,
                                    >>::primary_key(__model),
                                ),
                            )
                        }
                        Self::Like(__model) => {
                            BlogKeys::Like(
                                LikeKey::Primary(
                                    <Like as __netabase::NetabaseModelTrait<
                                        Self,
                                    >>::primary_key(__model),
                                ),
                            )
                        }
                    },
                )
            }
            #[inline]
            fn discriminant_name(&self) -> &'static str {
                match self {
                    Self::User(_) => "User",
                    Self::Like(_) => "Like",
                }
            }
        }
        #[automatically_derived]
        impl __netabase::bincode::Encode for Blog {
            fn encode<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                match self {
                    Self::User(__value) => {
                        <u32 as __netabase::bincode::Encode>::encode(&0u32, __encoder)?;
                        <User as __netabase::Record>::encode_fields(__value, __encoder)
                    }
                    Self::Like(__value) => {
                        <u32 as __netabase::bincode::Encode>::encode(&1u32, __encoder)?;
                        <Like as __netabase::Record>::encode_fields(__value, __encoder)
                    }
                }
            }
        }
        #[automatically_derived]
        impl<__C> __netabase::bincode::Decode<__C> for Blog {
            fn decode<__D: __netabase::bincode::de::Decoder<Context = __C>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                match <u32 as __netabase::bincode::Decode<__C>>::decode(__decoder)? {
                    0u32 => {
                        __netabase::Ok(
                            Self::User(
                                <User as __netabase::Record>::decode_fields(
                                    &mut __netabase::bincode::de::Decoder::with_context(
                                        __decoder,
                                        (),
                                    ),
                                )?,
                            ),
                        )
                    }
                    1u32 => {
                        __netabase::Ok(
                            Self::Like(
                                <Like as __netabase::Record>::decode_fields(
                                    &mut __netabase::bincode::de::Decoder::with_context(
                                        __decoder,
                                        (),
                                    ),
                                )?,
                            ),
                        )
                    }
                    __found => {
                        __netabase::Err(__netabase::bincode::error::DecodeError::UnexpectedVariant {
                            type_name: "Blog",
                            allowed: &__netabase::bincode::error::AllowedEnumVariants::Range {
                                min: 0,
                                max: 1u32,
                            },
                            found: __found,
                        })
                    }
                }
            }
        }
        #[automatically_derived]
        impl<'__de, __C> __netabase::bincode::BorrowDecode<'__de, __C> for Blog {
            fn borrow_decode<
                __D: __netabase::bincode::de::BorrowDecoder<'__de, Context = __C>,
            >(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                <Self as __netabase::bincode::Decode<__C>>::decode(__decoder)
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<User> for Blog {
            #[inline]
            fn from(__value: User) -> Self {
                Self::User(__value)
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::TryFrom<Blog> for User {
            type Error = Blog;
            #[inline]
            fn try_from(__value: Blog) -> __netabase::Result<Self, Blog> {
                match __value {
                    Blog::User(__model) => __netabase::Ok(__model),
                    __other => __netabase::Err(__other),
                }
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<Like> for Blog {
            #[inline]
            fn from(__value: Like) -> Self {
                Self::Like(__value)
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::TryFrom<Blog> for Like {
            type Error = Blog;
            #[inline]
            fn try_from(__value: Blog) -> __netabase::Result<Self, Blog> {
                match __value {
                    Blog::Like(__model) => __netabase::Ok(__model),
                    __other => __netabase::Err(__other),
                }
            }
        }
        #[automatically_derived]
        impl __netabase::bincode::Encode for BlogKeys {
            fn encode<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                match self {
                    Self::User(__value) => {
                        <u32 as __netabase::bincode::Encode>::encode(&0u32, __encoder)?;
                        <UserKey as __netabase::bincode::Encode>::encode(
                            __value,
                            __encoder,
                        )
                    }
                    Self::Like(__value) => {
                        <u32 as __netabase::bincode::Encode>::encode(&1u32, __encoder)?;
                        <LikeKey as __netabase::bincode::Encode>::encode(
                            __value,
                            __encoder,
                        )
                    }
                }
            }
        }
        #[automatically_derived]
        impl<__C> __netabase::bincode::Decode<__C> for BlogKeys {
            fn decode<__D: __netabase::bincode::de::Decoder<Context = __C>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                match <u32 as __netabase::bincode::Decode<__C>>::decode(__decoder)? {
                    0u32 => {
                        __netabase::Ok(
                            Self::User(
                                <UserKey as __netabase::bincode::Decode<
                                    __C,
                                >>::decode(__decoder)?,
                            ),
                        )
                    }
                    1u32 => {
                        __netabase::Ok(
                            Self::Like(
                                <LikeKey as __netabase::bincode::Decode<
                                    __C,
                                >>::decode(__decoder)?,
                            ),
                        )
                    }
                    __found => {
                        __netabase::Err(__netabase::bincode::error::DecodeError::UnexpectedVariant {
                            type_name: "BlogKeys",
                            allowed: &__netabase::bincode::error::AllowedEnumVariants::Range {
                                min: 0,
                                max: 1u32,
                            },
                            found: __found,
                        })
                    }
                }
            }
        }
        #[automatically_derived]
        impl<'__de, __C> __netabase::bincode::BorrowDecode<'__de, __C> for BlogKeys {
            fn borrow_decode<
                __D: __netabase::bincode::de::BorrowDecoder<'__de, Context = __C>,
            >(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                <Self as __netabase::bincode::Decode<__C>>::decode(__decoder)
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<UserKey> for BlogKeys {
            #[inline]
            fn from(__value: UserKey) -> Self {
                Self::User(__value)
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<LikeKey> for BlogKeys {
            #[inline]
            fn from(__value: LikeKey) -> Self {
                Self::Like(__value)
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<Blog> for &'static str {
            #[inline]
            fn from(__value: Blog) -> Self {
                match __value {
                    Blog::User(_) => "User",
                    Blog::Like(_) => "Like",
                }
            }
        }
        #[automatically_derived]
        impl<'__a> __netabase::core::convert::From<&'__a Blog> for &'static str {
            #[inline]
            fn from(__value: &'__a Blog) -> Self {
                match __value {
                    Blog::User(_) => "User",
                    Blog::Like(_) => "Like",
                }
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<BlogDiscriminant> for &'static str {
            #[inline]
            fn from(__value: BlogDiscriminant) -> Self {
                match __value {
                    BlogDiscriminant::User => "User",
                    BlogDiscriminant::Like => "Like",
                }
            }
        }
        #[automatically_derived]
        impl<'__a> __netabase::core::convert::From<&'__a BlogDiscriminant>
        for &'static str {
            #[inline]
            fn from(__value: &'__a BlogDiscriminant) -> Self {
                match __value {
                    BlogDiscriminant::User => "User",
                    BlogDiscriminant::Like => "Like",
                }
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<&Blog> for BlogDiscriminant {
            #[inline]
            fn from(__value: &Blog) -> Self {
                match __value {
                    Blog::User(_) => BlogDiscriminant::User,
                    Blog::Like(_) => BlogDiscriminant::Like,
                }
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<Blog> for BlogDiscriminant {
            #[inline]
            fn from(__value: Blog) -> Self {
                <Self as __netabase::core::convert::From<&Blog>>::from(&__value)
            }
        }
        #[automatically_derived]
        impl __netabase::strum::IntoDiscriminant for Blog {
            type Discriminant = BlogDiscriminant;
            #[inline]
            fn discriminant(&self) -> BlogDiscriminant {
                <BlogDiscriminant as __netabase::core::convert::From<&Self>>::from(self)
            }
        }
        #[automatically_derived]
        impl __netabase::strum::EnumCount for BlogDiscriminant {
            const COUNT: usize = 2usize;
        }
        #[automatically_derived]
        impl __netabase::strum::VariantNames for BlogDiscriminant {
            const VARIANTS: &'static [&'static str] = &["User", "Like"];
        }
        #[automatically_derived]
        impl __netabase::strum::VariantArray for BlogDiscriminant {
            const VARIANTS: &'static [Self] = &[
                BlogDiscriminant::User,
                BlogDiscriminant::Like,
            ];
        }
        #[automatically_derived]
        impl __netabase::strum::IntoEnumIterator for BlogDiscriminant {
            type Iterator = __netabase::core::iter::Copied<
                __netabase::core::slice::Iter<'static, Self>,
            >;
            #[inline]
            fn iter() -> Self::Iterator {
                __netabase::core::iter::Iterator::copied(
                    <Self as __netabase::strum::VariantArray>::VARIANTS.iter(),
                )
            }
        }
        #[automatically_derived]
        impl __netabase::core::fmt::Display for BlogDiscriminant {
            fn fmt(
                &self,
                __formatter: &mut __netabase::core::fmt::Formatter<'_>,
            ) -> __netabase::core::fmt::Result {
                __formatter
                    .pad(
                        <&'static str as __netabase::core::convert::From<
                            &Self,
                        >>::from(self),
                    )
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<BlogKeys> for &'static str {
            #[inline]
            fn from(__value: BlogKeys) -> Self {
                match __value {
                    BlogKeys::User(_) => "User",
                    BlogKeys::Like(_) => "Like",
                }
            }
        }
        #[automatically_derived]
        impl<'__a> __netabase::core::convert::From<&'__a BlogKeys> for &'static str {
            #[inline]
            fn from(__value: &'__a BlogKeys) -> Self {
                match __value {
                    BlogKeys::User(_) => "User",
                    BlogKeys::Like(_) => "Like",
                }
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<BlogKeysDiscriminant> for &'static str {
            #[inline]
            fn from(__value: BlogKeysDiscriminant) -> Self {
                match __value {
                    BlogKeysDiscriminant::User => "User",
                    BlogKeysDiscriminant::Like => "Like",
                }
            }
        }
        #[automatically_derived]
        impl<'__a> __netabase::core::convert::From<&'__a BlogKeysDiscriminant>
        for &'static str {
            #[inline]
            fn from(__value: &'__a BlogKeysDiscriminant) -> Self {
                match __value {
                    BlogKeysDiscriminant::User => "User",
                    BlogKeysDiscriminant::Like => "Like",
                }
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<&BlogKeys> for BlogKeysDiscriminant {
            #[inline]
            fn from(__value: &BlogKeys) -> Self {
                match __value {
                    BlogKeys::User(_) => BlogKeysDiscriminant::User,
                    BlogKeys::Like(_) => BlogKeysDiscriminant::Like,
                }
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<BlogKeys> for BlogKeysDiscriminant {
            #[inline]
            fn from(__value: BlogKeys) -> Self {
                <Self as __netabase::core::convert::From<&BlogKeys>>::from(&__value)
            }
        }
        #[automatically_derived]
        impl __netabase::strum::IntoDiscriminant for BlogKeys {
            type Discriminant = BlogKeysDiscriminant;
            #[inline]
            fn discriminant(&self) -> BlogKeysDiscriminant {
                <BlogKeysDiscriminant as __netabase::core::convert::From<
                    &Self,
                >>::from(self)
            }
        }
        #[automatically_derived]
        impl __netabase::strum::EnumCount for BlogKeysDiscriminant {
            const COUNT: usize = 2usize;
        }
        #[automatically_derived]
        impl __netabase::strum::VariantNames for BlogKeysDiscriminant {
            const VARIANTS: &'static [&'static str] = &["User", "Like"];
        }
        #[automatically_derived]
        impl __netabase::strum::VariantArray for BlogKeysDiscriminant {
            const VARIANTS: &'static [Self] = &[
                BlogKeysDiscriminant::User,
                BlogKeysDiscriminant::Like,
            ];
        }
        #[automatically_derived]
        impl __netabase::strum::IntoEnumIterator for BlogKeysDiscriminant {
            type Iterator = __netabase::core::iter::Copied<
                __netabase::core::slice::Iter<'static, Self>,
            >;
            #[inline]
            fn iter() -> Self::Iterator {
                __netabase::core::iter::Iterator::copied(
                    <Self as __netabase::strum::VariantArray>::VARIANTS.iter(),
                )
            }
        }
        #[automatically_derived]
        impl __netabase::core::fmt::Display for BlogKeysDiscriminant {
            fn fmt(
                &self,
                __formatter: &mut __netabase::core::fmt::Formatter<'_>,
            ) -> __netabase::core::fmt::Result {
                __formatter
                    .pad(
                        <&'static str as __netabase::core::convert::From<
                            &Self,
                        >>::from(self),
                    )
            }
        }
    };
    #[allow(unused_imports)]
    use self::netabase as _;
    ///The primary key of a [`User`]: its `id`.
    #[allow(dead_code)]
    #[derive(
        ::netabase_store::__private::core::clone::Clone,
        ::netabase_store::__private::core::fmt::Debug
    )]
    pub struct UserPrimaryKey(pub u64);
    ///A secondary key of a [`User`]: its `email`.
    #[allow(dead_code)]
    #[derive(
        ::netabase_store::__private::core::clone::Clone,
        ::netabase_store::__private::core::fmt::Debug
    )]
    pub struct UserEmailSecondaryKey(pub String);
    ///A secondary key of a [`User`]: its `type`.
    #[allow(dead_code)]
    #[derive(
        ::netabase_store::__private::core::clone::Clone,
        ::netabase_store::__private::core::fmt::Debug
    )]
    pub struct UserTypeSecondaryKey(pub Option<u8>);
    ///A secondary key of a [`User`].
    #[allow(dead_code)]
    #[derive(
        ::netabase_store::__private::core::clone::Clone,
        ::netabase_store::__private::core::fmt::Debug,
        ::netabase_store::__private::core::cmp::PartialEq,
        ::netabase_store::__private::core::cmp::Eq,
        ::netabase_store::__private::core::cmp::PartialOrd,
        ::netabase_store::__private::core::cmp::Ord,
        ::netabase_store::__private::core::hash::Hash,
    )]
    pub enum UserSecondaryKeys {
        ///The `email`.
        Email(UserEmailSecondaryKey),
        ///The `type`.
        Type(UserTypeSecondaryKey),
    }
    ///A key of a [`User`].
    #[allow(dead_code)]
    #[derive(
        ::netabase_store::__private::core::clone::Clone,
        ::netabase_store::__private::core::fmt::Debug,
        ::netabase_store::__private::core::cmp::PartialEq,
        ::netabase_store::__private::core::cmp::Eq,
        ::netabase_store::__private::core::cmp::PartialOrd,
        ::netabase_store::__private::core::cmp::Ord,
        ::netabase_store::__private::core::hash::Hash,
    )]
    pub enum UserKey {
        ///The primary key.
        Primary(UserPrimaryKey),
        ///A secondary key.
        Secondary(UserSecondaryKeys),
    }
    /// Who writes.
    ///
    ///A [`User`] as it is stored: strings and byte strings are borrowed from there.
    #[allow(dead_code)]
    #[derive(Clone)]
    #[derive(Debug)]
    pub struct UserRef<'a> {
        /// Number.
        pub id: u64,
        pub email: &'a str,
        pub r#type: Option<u8>,
        picture: image::Picture,
    }
    #[allow(
        deprecated,
        unused_qualifications,
        clippy::all,
        clippy::pedantic,
        clippy::absolute_paths
    )]
    const _: () = {
        use ::netabase_store::__private as __netabase;
        #[allow(unused_imports)]
        use __netabase::OpaqueField as _;
        #[automatically_derived]
        #[allow(dead_code)]
        impl<'a> UserRef<'a> {
            ///The [`User`] itself: copies what is borrowed, and moves the rest.
            #[inline]
            #[must_use]
            pub fn into_model(self) -> User {
                User {
                    id: self.id,
                    email: <__netabase::String as __netabase::core::convert::From<
                        &str,
                    >>::from(self.email),
                    r#type: self.r#type,
                    picture: self.picture,
                }
            }
        }
        #[automatically_derived]
        impl<'a> __netabase::core::convert::From<UserRef<'a>> for User {
            fn from(__ref: UserRef<'a>) -> Self {
                UserRef::into_model(__ref)
            }
        }
    };
    #[allow(
        deprecated,
        unused_qualifications,
        clippy::all,
        clippy::pedantic,
        clippy::absolute_paths
    )]
    const _: () = {
        use ::netabase_store::__private as __netabase;
        #[allow(unused_imports)]
        use __netabase::OpaqueField as _;
        #[automatically_derived]
        impl __netabase::core::convert::From<u64> for UserPrimaryKey {
            #[inline]
            fn from(__value: u64) -> Self {
                Self(__value)
            }
        }
        #[automatically_derived]
        impl __netabase::core::cmp::PartialEq for UserPrimaryKey {
            #[inline]
            fn eq(&self, __other: &Self) -> bool {
                <u64 as __netabase::KeyPart>::equals(&self.0, &__other.0)
            }
        }
        #[automatically_derived]
        impl __netabase::core::cmp::Eq for UserPrimaryKey {}
        #[automatically_derived]
        impl __netabase::core::cmp::PartialOrd for UserPrimaryKey {
            #[inline]
            fn partial_cmp(
                &self,
                __other: &Self,
            ) -> __netabase::Option<__netabase::core::cmp::Ordering> {
                __netabase::Some(__netabase::core::cmp::Ord::cmp(self, __other))
            }
        }
        #[automatically_derived]
        impl __netabase::core::cmp::Ord for UserPrimaryKey {
            #[inline]
            fn cmp(&self, __other: &Self) -> __netabase::core::cmp::Ordering {
                __netabase::core::cmp::Ordering::Equal
                    .then_with(|| <u64 as __netabase::KeyPart>::compare(
                        &self.0,
                        &__other.0,
                    ))
            }
        }
        #[automatically_derived]
        impl __netabase::core::hash::Hash for UserPrimaryKey {
            #[inline]
            fn hash<__H: __netabase::core::hash::Hasher>(&self, __state: &mut __H) {
                <u64 as __netabase::core::hash::Hash>::hash(&self.0, __state);
            }
        }
        #[automatically_derived]
        impl __netabase::EncodeKey for UserPrimaryKey {
            #[inline]
            fn encode_key(&self, __out: &mut __netabase::Vec<u8>) {
                <u64 as __netabase::KeyPart>::encode(&self.0, __out);
            }
        }
        #[automatically_derived]
        impl __netabase::Key for UserPrimaryKey {
            const SHAPE: __netabase::KeyShape = <u64 as __netabase::KeyPart>::SHAPE;
            #[inline]
            fn decode_key(
                __input: &mut &[u8],
            ) -> __netabase::Result<Self, __netabase::KeyDecodeError> {
                __netabase::Ok(Self {
                    0: <u64 as __netabase::KeyPart>::decode(__input)?,
                })
            }
            #[inline]
            fn skip_key(
                __input: &mut &[u8],
            ) -> __netabase::Result<(), __netabase::KeyDecodeError> {
                <u64 as __netabase::KeyPart>::skip(__input)?;
                __netabase::Ok(())
            }
        }
        #[automatically_derived]
        impl __netabase::AsKey<UserPrimaryKey> for UserPrimaryKey {}
        #[automatically_derived]
        impl __netabase::ModelKey for UserPrimaryKey {
            type Fields = u64;
        }
        #[automatically_derived]
        impl __netabase::bincode::Encode for UserPrimaryKey {
            fn encode<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                __netabase::Field::<
                    u64,
                >::run(__netabase::EncodeField(&self.0, __encoder))?;
                __netabase::Ok(())
            }
        }
        #[automatically_derived]
        impl<__C> __netabase::bincode::Decode<__C> for UserPrimaryKey {
            fn decode<__D: __netabase::bincode::de::Decoder<Context = __C>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                __netabase::Ok(
                    Self(
                        __netabase::Field::<
                            u64,
                        >::run(
                            __netabase::DecodeField(
                                &mut __netabase::bincode::de::Decoder::with_context(
                                    __decoder,
                                    (),
                                ),
                            ),
                        )?,
                    ),
                )
            }
        }
        #[automatically_derived]
        impl<'__de, __C> __netabase::bincode::BorrowDecode<'__de, __C>
        for UserPrimaryKey {
            fn borrow_decode<
                __D: __netabase::bincode::de::BorrowDecoder<'__de, Context = __C>,
            >(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                <Self as __netabase::bincode::Decode<__C>>::decode(__decoder)
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<String> for UserEmailSecondaryKey {
            #[inline]
            fn from(__value: String) -> Self {
                Self(__value)
            }
        }
        #[automatically_derived]
        impl __netabase::core::cmp::PartialEq for UserEmailSecondaryKey {
            #[inline]
            fn eq(&self, __other: &Self) -> bool {
                <String as __netabase::KeyPart>::equals(&self.0, &__other.0)
            }
        }
        #[automatically_derived]
        impl __netabase::core::cmp::Eq for UserEmailSecondaryKey {}
        #[automatically_derived]
        impl __netabase::core::cmp::PartialOrd for UserEmailSecondaryKey {
            #[inline]
            fn partial_cmp(
                &self,
                __other: &Self,
            ) -> __netabase::Option<__netabase::core::cmp::Ordering> {
                __netabase::Some(__netabase::core::cmp::Ord::cmp(self, __other))
            }
        }
        #[automatically_derived]
        impl __netabase::core::cmp::Ord for UserEmailSecondaryKey {
            #[inline]
            fn cmp(&self, __other: &Self) -> __netabase::core::cmp::Ordering {
                __netabase::core::cmp::Ordering::Equal
                    .then_with(|| <String as __netabase::KeyPart>::compare(
                        &self.0,
                        &__other.0,
                    ))
            }
        }
        #[automatically_derived]
        impl __netabase::core::hash::Hash for UserEmailSecondaryKey {
            #[inline]
            fn hash<__H: __netabase::core::hash::Hasher>(&self, __state: &mut __H) {
                <String as __netabase::core::hash::Hash>::hash(&self.0, __state);
            }
        }
        #[automatically_derived]
        impl __netabase::EncodeKey for UserEmailSecondaryKey {
            #[inline]
            fn encode_key(&self, __out: &mut __netabase::Vec<u8>) {
                <String as __netabase::KeyPart>::encode(&self.0, __out);
            }
        }
        #[automatically_derived]
        impl __netabase::Key for UserEmailSecondaryKey {
            const SHAPE: __netabase::KeyShape = <String as __netabase::KeyPart>::SHAPE;
            #[inline]
            fn decode_key(
                __input: &mut &[u8],
            ) -> __netabase::Result<Self, __netabase::KeyDecodeError> {
                __netabase::Ok(Self {
                    0: <String as __netabase::KeyPart>::decode(__input)?,
                })
            }
            #[inline]
            fn skip_key(
                __input: &mut &[u8],
            ) -> __netabase::Result<(), __netabase::KeyDecodeError> {
                <String as __netabase::KeyPart>::skip(__input)?;
                __netabase::Ok(())
            }
        }
        #[automatically_derived]
        impl __netabase::AsKey<UserEmailSecondaryKey> for UserEmailSecondaryKey {}
        #[automatically_derived]
        impl __netabase::ModelKey for UserEmailSecondaryKey {
            type Fields = String;
        }
        #[automatically_derived]
        impl __netabase::bincode::Encode for UserEmailSecondaryKey {
            fn encode<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                __netabase::Field::<
                    String,
                >::run(__netabase::EncodeField(&self.0, __encoder))?;
                __netabase::Ok(())
            }
        }
        #[automatically_derived]
        impl<__C> __netabase::bincode::Decode<__C> for UserEmailSecondaryKey {
            fn decode<__D: __netabase::bincode::de::Decoder<Context = __C>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                __netabase::Ok(
                    Self(
                        __netabase::Field::<
                            String,
                        >::run(
                            __netabase::DecodeField(
                                &mut __netabase::bincode::de::Decoder::with_context(
                                    __decoder,
                                    (),
                                ),
                            ),
                        )?,
                    ),
                )
            }
        }
        #[automatically_derived]
        impl<'__de, __C> __netabase::bincode::BorrowDecode<'__de, __C>
        for UserEmailSecondaryKey {
            fn borrow_decode<
                __D: __netabase::bincode::de::BorrowDecoder<'__de, Context = __C>,
            >(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                <Self as __netabase::bincode::Decode<__C>>::decode(__decoder)
            }
        }
        #[automatically_derived]
        impl __netabase::SecondaryKey for UserEmailSecondaryKey {
            type Model = User;
            const INDEX: usize = 0usize;
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<UserEmailSecondaryKey>
        for UserSecondaryKeys {
            #[inline]
            fn from(__value: UserEmailSecondaryKey) -> Self {
                Self::Email(__value)
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<Option<u8>> for UserTypeSecondaryKey {
            #[inline]
            fn from(__value: Option<u8>) -> Self {
                Self(__value)
            }
        }
        #[automatically_derived]
        impl __netabase::core::cmp::PartialEq for UserTypeSecondaryKey {
            #[inline]
            fn eq(&self, __other: &Self) -> bool {
                <Option<u8> as __netabase::KeyPart>::equals(&self.0, &__other.0)
            }
        }
        #[automatically_derived]
        impl __netabase::core::cmp::Eq for UserTypeSecondaryKey {}
        #[automatically_derived]
        impl __netabase::core::cmp::PartialOrd for UserTypeSecondaryKey {
            #[inline]
            fn partial_cmp(
                &self,
                __other: &Self,
            ) -> __netabase::Option<__netabase::core::cmp::Ordering> {
                __netabase::Some(__netabase::core::cmp::Ord::cmp(self, __other))
            }
        }
        #[automatically_derived]
        impl __netabase::core::cmp::Ord for UserTypeSecondaryKey {
            #[inline]
            fn cmp(&self, __other: &Self) -> __netabase::core::cmp::Ordering {
                __netabase::core::cmp::Ordering::Equal
                    .then_with(|| <Option<
                        u8,
                    > as __netabase::KeyPart>::compare(&self.0, &__other.0))
            }
        }
        #[automatically_derived]
        impl __netabase::core::hash::Hash for UserTypeSecondaryKey {
            #[inline]
            fn hash<__H: __netabase::core::hash::Hasher>(&self, __state: &mut __H) {
                <Option<u8> as __netabase::KeyPart>::hash_encoding(&self.0, __state);
            }
        }
        #[automatically_derived]
        impl __netabase::EncodeKey for UserTypeSecondaryKey {
            #[inline]
            fn encode_key(&self, __out: &mut __netabase::Vec<u8>) {
                <Option<u8> as __netabase::KeyPart>::encode(&self.0, __out);
            }
        }
        #[automatically_derived]
        impl __netabase::Key for UserTypeSecondaryKey {
            const SHAPE: __netabase::KeyShape = <Option<
                u8,
            > as __netabase::KeyPart>::SHAPE;
            #[inline]
            fn decode_key(
                __input: &mut &[u8],
            ) -> __netabase::Result<Self, __netabase::KeyDecodeError> {
                __netabase::Ok(Self {
                    0: <Option<u8> as __netabase::KeyPart>::decode(__input)?,
                })
            }
            #[inline]
            fn skip_key(
                __input: &mut &[u8],
            ) -> __netabase::Result<(), __netabase::KeyDecodeError> {
                <Option<u8> as __netabase::KeyPart>::skip(__input)?;
                __netabase::Ok(())
            }
        }
        #[automatically_derived]
        impl __netabase::AsKey<UserTypeSecondaryKey> for UserTypeSecondaryKey {}
        #[automatically_derived]
        impl __netabase::ModelKey for UserTypeSecondaryKey {
            type Fields = Option<u8>;
        }
        #[automatically_derived]
        impl __netabase::bincode::Encode for UserTypeSecondaryKey {
            fn encode<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                __netabase::Field::<
                    Option<u8>,
                >::run(__netabase::EncodeField(&self.0, __encoder))?;
                __netabase::Ok(())
            }
        }
        #[automatically_derived]
        impl<__C> __netabase::bincode::Decode<__C> for UserTypeSecondaryKey {
            fn decode<__D: __netabase::bincode::de::Decoder<Context = __C>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                __netabase::Ok(
                    Self(
                        __netabase::Field::<
                            Option<u8>,
                        >::run(
                            __netabase::DecodeField(
                                &mut __netabase::bincode::de::Decoder::with_context(
                                    __decoder,
                                    (),
                                ),
                            ),
                        )?,
                    ),
                )
            }
        }
        #[automatically_derived]
        impl<'__de, __C> __netabase::bincode::BorrowDecode<'__de, __C>
        for UserTypeSecondaryKey {
            fn borrow_decode<
                __D: __netabase::bincode::de::BorrowDecoder<'__de, Context = __C>,
            >(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                <Self as __netabase::bincode::Decode<__C>>::decode(__decoder)
            }
        }
        #[automatically_derived]
        impl __netabase::SecondaryKey for UserTypeSecondaryKey {
            type Model = User;
            const INDEX: usize = 1usize;
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<UserTypeSecondaryKey>
        for UserSecondaryKeys {
            #[inline]
            fn from(__value: UserTypeSecondaryKey) -> Self {
                Self::Type(__value)
            }
        }
        #[automatically_derived]
        impl __netabase::EncodeKey for UserSecondaryKeys {
            #[inline]
            fn encode_key(&self, __out: &mut __netabase::Vec<u8>) {
                match self {
                    Self::Email(__key) => {
                        <UserEmailSecondaryKey as __netabase::EncodeKey>::encode_key(
                            __key,
                            __out,
                        )
                    }
                    Self::Type(__key) => {
                        <UserTypeSecondaryKey as __netabase::EncodeKey>::encode_key(
                            __key,
                            __out,
                        )
                    }
                }
            }
        }
        #[automatically_derived]
        impl __netabase::AnySecondaryKey for UserSecondaryKeys {
            type Model = User;
            #[inline]
            fn index(&self) -> usize {
                match self {
                    Self::Email(_) => 0usize,
                    Self::Type(_) => 1usize,
                }
            }
        }
        #[automatically_derived]
        impl __netabase::bincode::Encode for UserSecondaryKeys {
            fn encode<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                match self {
                    Self::Email(__value) => {
                        <u32 as __netabase::bincode::Encode>::encode(&0u32, __encoder)?;
                        <UserEmailSecondaryKey as __netabase::bincode::Encode>::encode(
                            __value,
                            __encoder,
                        )
                    }
                    Self::Type(__value) => {
                        <u32 as __netabase::bincode::Encode>::encode(&1u32, __encoder)?;
                        <UserTypeSecondaryKey as __netabase::bincode::Encode>::encode(
                            __value,
                            __encoder,
                        )
                    }
                }
            }
        }
        #[automatically_derived]
        impl<__C> __netabase::bincode::Decode<__C> for UserSecondaryKeys {
            fn decode<__D: __netabase::bincode::de::Decoder<Context = __C>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                match <u32 as __netabase::bincode::Decode<__C>>::decode(__decoder)? {
                    0u32 => {
                        __netabase::Ok(
                            Self::Email(
                                <UserEmailSecondaryKey as __netabase::bincode::Decode<
                                    __C,
                                >>::decode(__decoder)?,
                            ),
                        )
                    }
                    1u32 => {
                        __netabase::Ok(
                            Self::Type(
                                <UserTypeSecondaryKey as __netabase::bincode::Decode<
                                    __C,
                                >>::decode(__decoder)?,
                            ),
                        )
                    }
                    __found => {
                        __netabase::Err(__netabase::bincode::error::DecodeError::UnexpectedVariant {
                            type_name: "UserSecondaryKeys",
                            allowed: &__netabase::bincode::error::AllowedEnumVariants::Range {
                                min: 0,
                                max: 1u32,
                            },
                            found: __found,
                        })
                    }
                }
            }
        }
        #[automatically_derived]
        impl<'__de, __C> __netabase::bincode::BorrowDecode<'__de, __C>
        for UserSecondaryKeys {
            fn borrow_decode<
                __D: __netabase::bincode::de::BorrowDecoder<'__de, Context = __C>,
            >(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                <Self as __netabase::bincode::Decode<__C>>::decode(__decoder)
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<UserPrimaryKey> for UserKey {
            #[inline]
            fn from(__value: UserPrimaryKey) -> Self {
                Self::Primary(__value)
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<UserSecondaryKeys> for UserKey {
            #[inline]
            fn from(__value: UserSecondaryKeys) -> Self {
                Self::Secondary(__value)
            }
        }
        #[automatically_derived]
        impl __netabase::bincode::Encode for UserKey {
            fn encode<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                match self {
                    Self::Primary(__value) => {
                        <u32 as __netabase::bincode::Encode>::encode(&0u32, __encoder)?;
                        <UserPrimaryKey as __netabase::bincode::Encode>::encode(
                            __value,
                            __encoder,
                        )
                    }
                    Self::Secondary(__value) => {
                        <u32 as __netabase::bincode::Encode>::encode(&1u32, __encoder)?;
                        <UserSecondaryKeys as __netabase::bincode::Encode>::encode(
                            __value,
                            __encoder,
                        )
                    }
                }
            }
        }
        #[automatically_derived]
        impl<__C> __netabase::bincode::Decode<__C> for UserKey {
            fn decode<__D: __netabase::bincode::de::Decoder<Context = __C>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                match <u32 as __netabase::bincode::Decode<__C>>::decode(__decoder)? {
                    0u32 => {
                        __netabase::Ok(
                            Self::Primary(
                                <UserPrimaryKey as __netabase::bincode::Decode<
                                    __C,
                                >>::decode(__decoder)?,
                            ),
                        )
                    }
                    1u32 => {
                        __netabase::Ok(
                            Self::Secondary(
                                <UserSecondaryKeys as __netabase::bincode::Decode<
                                    __C,
                                >>::decode(__decoder)?,
                            ),
                        )
                    }
                    __found => {
                        __netabase::Err(__netabase::bincode::error::DecodeError::UnexpectedVariant {
                            type_name: "UserKey",
                            allowed: &__netabase::bincode::error::AllowedEnumVariants::Range {
                                min: 0,
                                max: 1u32,
                            },
                            found: __found,
                        })
                    }
                }
            }
        }
        #[automatically_derived]
        impl<'__de, __C> __netabase::bincode::BorrowDecode<'__de, __C> for UserKey {
            fn borrow_decode<
                __D: __netabase::bincode::de::BorrowDecoder<'__de, Context = __C>,
            >(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                <Self as __netabase::bincode::Decode<__C>>::decode(__decoder)
            }
        }
        #[automatically_derived]
        impl __netabase::Record for User {
            const INFO: __netabase::ModelInfo = __netabase::ModelInfo {
                name: "User",
                fields: &[
                    __netabase::FieldInfo {
                        name: "id",
                        ty: "u64",
                        describe: |__types| __netabase::Field::<
                            u64,
                        >::run(__netabase::DescribeField(__types, "u64")),
                    },
                    __netabase::FieldInfo {
                        name: "email",
                        ty: "String",
                        describe: |__types| __netabase::Field::<
                            String,
                        >::run(__netabase::DescribeField(__types, "String")),
                    },
                    __netabase::FieldInfo {
                        name: "type",
                        ty: "Option<u8>",
                        describe: |__types| __netabase::Field::<
                            Option<u8>,
                        >::run(__netabase::DescribeField(__types, "Option<u8>")),
                    },
                    __netabase::FieldInfo {
                        name: "picture",
                        ty: "Picture",
                        describe: |__types| __netabase::ValueShape::Opaque(
                            __netabase::String::from("Picture"),
                        ),
                    },
                ],
                primary_fields: &["id"],
                primary_key: <UserPrimaryKey as __netabase::Key>::SHAPE,
                indexes: &[
                    __netabase::IndexInfo {
                        name: "email",
                        tree: "User.email",
                        key: <UserEmailSecondaryKey as __netabase::Key>::SHAPE,
                        unique: true,
                    },
                    __netabase::IndexInfo {
                        name: "type",
                        tree: "User.type",
                        key: <UserTypeSecondaryKey as __netabase::Key>::SHAPE,
                        unique: false,
                    },
                ],
            };
            const FLAT: bool = false;
            type Ref<'a> = UserRef<'a>;
            #[inline]
            fn from_ref(__ref: Self::Ref<'_>) -> Self {
                UserRef::into_model(__ref)
            }
            #[inline]
            fn encode_primary_key(&self, __out: &mut __netabase::Vec<u8>) {
                <u64 as __netabase::KeyPart>::encode(&self.id, __out);
            }
            #[inline]
            fn encode_secondary_key(
                &self,
                __index: usize,
                __out: &mut __netabase::Vec<u8>,
            ) {
                match __index {
                    0usize => <String as __netabase::KeyPart>::encode(&self.email, __out),
                    1usize => {
                        <Option<u8> as __netabase::KeyPart>::encode(&self.r#type, __out)
                    }
                    _ => {
                        __netabase::core::unreachable!(
                            "a model has no index of this number"
                        )
                    }
                }
            }
            #[inline]
            fn encode_secondary_key_of(
                __ref: &Self::Ref<'_>,
                __index: usize,
                __out: &mut __netabase::Vec<u8>,
            ) {
                match __index {
                    0usize => __netabase::EncodeKey::encode_key(&__ref.email, __out),
                    1usize => {
                        <Option<u8> as __netabase::KeyPart>::encode(&__ref.r#type, __out)
                    }
                    _ => {
                        __netabase::core::unreachable!(
                            "a model has no index of this number"
                        )
                    }
                }
            }
            #[inline]
            fn skip_secondary_key(
                __index: usize,
                __input: &mut &[u8],
            ) -> __netabase::Result<(), __netabase::KeyDecodeError> {
                match __index {
                    0usize => <String as __netabase::KeyPart>::skip(__input),
                    1usize => <Option<u8> as __netabase::KeyPart>::skip(__input),
                    _ => {
                        __netabase::core::unreachable!(
                            "a model has no index of this number"
                        )
                    }
                }
            }
            #[inline]
            fn encode_fields<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                __netabase::Field::<
                    u64,
                >::run(__netabase::EncodeField(&self.id, __encoder))?;
                __netabase::Field::<
                    String,
                >::run(__netabase::EncodeField(&self.email, __encoder))?;
                __netabase::Field::<
                    Option<u8>,
                >::run(__netabase::EncodeField(&self.r#type, __encoder))?;
                __netabase::encode_with_serde(&self.picture, "picture", __encoder)?;
                __netabase::Ok(())
            }
            #[inline]
            fn decode_fields<__D: __netabase::bincode::de::Decoder<Context = ()>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                __netabase::Ok(Self {
                    id: __netabase::Field::<
                        u64,
                    >::run(__netabase::DecodeField(__decoder))?,
                    email: __netabase::Field::<
                        String,
                    >::run(__netabase::DecodeField(__decoder))?,
                    r#type: __netabase::Field::<
                        Option<u8>,
                    >::run(__netabase::DecodeField(__decoder))?,
                    picture: <__netabase::bincode::serde::Compat<
                        image::Picture,
                    > as __netabase::StoredField>::decode(__decoder)?
                        .0,
                })
            }
            #[inline]
            fn borrow_fields<
                'a,
                __D: __netabase::bincode::de::BorrowDecoder<'a, Context = ()>,
            >(
                __decoder: &mut __D,
            ) -> __netabase::Result<
                Self::Ref<'a>,
                __netabase::bincode::error::DecodeError,
            > {
                __netabase::Ok(UserRef {
                    id: __netabase::Field::<
                        u64,
                    >::run(__netabase::DecodeField(__decoder))?,
                    email: <&'a str as __netabase::bincode::BorrowDecode<
                        'a,
                        (),
                    >>::borrow_decode(__decoder)?,
                    r#type: __netabase::Field::<
                        Option<u8>,
                    >::run(__netabase::DecodeField(__decoder))?,
                    picture: <__netabase::bincode::serde::Compat<
                        image::Picture,
                    > as __netabase::StoredField>::decode(__decoder)?
                        .0,
                })
            }
        }
        #[automatically_derived]
        impl __netabase::NetabaseModelTrait<Blog> for User {
            const DISCRIMINANT: BlogDiscriminant = BlogDiscriminant::User;
            const PLACE: usize = BlogDiscriminant::User as usize;
            type PrimaryKey = UserPrimaryKey;
            type SecondaryKeys = UserSecondaryKeys;
            type Keys = UserKey;
            #[inline]
            fn primary_key(&self) -> UserPrimaryKey {
                UserPrimaryKey(<u64 as __netabase::KeyPart>::copied(&self.id))
            }
            fn secondary_keys(&self) -> __netabase::Vec<UserSecondaryKeys> {
                __netabase::core::convert::From::from([
                    UserSecondaryKeys::Email(
                        UserEmailSecondaryKey(
                            <String as __netabase::KeyPart>::copied(&self.email),
                        ),
                    ),
                    UserSecondaryKeys::Type(
                        UserTypeSecondaryKey(
                            <Option<u8> as __netabase::KeyPart>::copied(&self.r#type),
                        ),
                    ),
                ])
            }
        }
    };
    ///The primary key of a [`Like`]: its `post` and `number`.
    #[allow(dead_code)]
    #[derive(
        ::netabase_store::__private::core::clone::Clone,
        ::netabase_store::__private::core::fmt::Debug
    )]
    pub struct LikePrimaryKey(pub u64, pub u32);
    ///The secondary keys of a [`Like`], of which there are none.
    #[allow(dead_code)]
    #[derive(
        ::netabase_store::__private::core::clone::Clone,
        ::netabase_store::__private::core::fmt::Debug,
        ::netabase_store::__private::core::cmp::PartialEq,
        ::netabase_store::__private::core::cmp::Eq,
        ::netabase_store::__private::core::cmp::PartialOrd,
        ::netabase_store::__private::core::cmp::Ord,
        ::netabase_store::__private::core::hash::Hash,
    )]
    pub enum LikeSecondaryKeys {}
    ///A key of a [`Like`].
    #[allow(dead_code)]
    #[derive(
        ::netabase_store::__private::core::clone::Clone,
        ::netabase_store::__private::core::fmt::Debug,
        ::netabase_store::__private::core::cmp::PartialEq,
        ::netabase_store::__private::core::cmp::Eq,
        ::netabase_store::__private::core::cmp::PartialOrd,
        ::netabase_store::__private::core::cmp::Ord,
        ::netabase_store::__private::core::hash::Hash,
    )]
    pub enum LikeKey {
        ///The primary key.
        Primary(LikePrimaryKey),
        ///A secondary key.
        Secondary(LikeSecondaryKeys),
    }
    ///
    ///A [`Like`] as it is stored. It has no strings or byte strings to borrow, so that it is its own view.
    #[allow(dead_code, deprecated)]
    pub type LikeRef<'a> = Like;
    #[allow(
        deprecated,
        unused_qualifications,
        clippy::all,
        clippy::pedantic,
        clippy::absolute_paths
    )]
    const _: () = {
        use ::netabase_store::__private as __netabase;
        #[allow(unused_imports)]
        use __netabase::OpaqueField as _;
        #[automatically_derived]
        impl __netabase::core::convert::From<(u64, u32)> for LikePrimaryKey {
            #[inline]
            fn from(__value: (u64, u32)) -> Self {
                Self(__value.0, __value.1)
            }
        }
        #[automatically_derived]
        impl __netabase::core::cmp::PartialEq for LikePrimaryKey {
            #[inline]
            fn eq(&self, __other: &Self) -> bool {
                <u64 as __netabase::KeyPart>::equals(&self.0, &__other.0)
                    && <u32 as __netabase::KeyPart>::equals(&self.1, &__other.1)
            }
        }
        #[automatically_derived]
        impl __netabase::core::cmp::Eq for LikePrimaryKey {}
        #[automatically_derived]
        impl __netabase::core::cmp::PartialOrd for LikePrimaryKey {
            #[inline]
            fn partial_cmp(
                &self,
                __other: &Self,
            ) -> __netabase::Option<__netabase::core::cmp::Ordering> {
                __netabase::Some(__netabase::core::cmp::Ord::cmp(self, __other))
            }
        }
        #[automatically_derived]
        impl __netabase::core::cmp::Ord for LikePrimaryKey {
            #[inline]
            fn cmp(&self, __other: &Self) -> __netabase::core::cmp::Ordering {
                __netabase::core::cmp::Ordering::Equal
                    .then_with(|| <u64 as __netabase::KeyPart>::compare(
                        &self.0,
                        &__other.0,
                    ))
                    .then_with(|| <u32 as __netabase::KeyPart>::compare(
                        &self.1,
                        &__other.1,
                    ))
            }
        }
        #[automatically_derived]
        impl __netabase::core::hash::Hash for LikePrimaryKey {
            #[inline]
            fn hash<__H: __netabase::core::hash::Hasher>(&self, __state: &mut __H) {
                <u64 as __netabase::core::hash::Hash>::hash(&self.0, __state);
                <u32 as __netabase::core::hash::Hash>::hash(&self.1, __state);
            }
        }
        #[automatically_derived]
        impl __netabase::EncodeKey for LikePrimaryKey {
            #[inline]
            fn encode_key(&self, __out: &mut __netabase::Vec<u8>) {
                <u64 as __netabase::KeyPart>::encode(&self.0, __out);
                <u32 as __netabase::KeyPart>::encode(&self.1, __out);
            }
        }
        #[automatically_derived]
        impl __netabase::Key for LikePrimaryKey {
            const SHAPE: __netabase::KeyShape = __netabase::KeyShape::Tuple(
                &[
                    <u64 as __netabase::KeyPart>::SHAPE,
                    <u32 as __netabase::KeyPart>::SHAPE,
                ],
            );
            #[inline]
            fn decode_key(
                __input: &mut &[u8],
            ) -> __netabase::Result<Self, __netabase::KeyDecodeError> {
                __netabase::Ok(Self {
                    0: <u64 as __netabase::KeyPart>::decode(__input)?,
                    1: <u32 as __netabase::KeyPart>::decode(__input)?,
                })
            }
            #[inline]
            fn skip_key(
                __input: &mut &[u8],
            ) -> __netabase::Result<(), __netabase::KeyDecodeError> {
                <u64 as __netabase::KeyPart>::skip(__input)?;
                <u32 as __netabase::KeyPart>::skip(__input)?;
                __netabase::Ok(())
            }
        }
        #[automatically_derived]
        impl __netabase::AsKey<LikePrimaryKey> for LikePrimaryKey {}
        #[automatically_derived]
        impl __netabase::ModelKey for LikePrimaryKey {
            type Fields = (u64, u32);
        }
        #[automatically_derived]
        impl __netabase::bincode::Encode for LikePrimaryKey {
            fn encode<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                __netabase::Field::<
                    u64,
                >::run(__netabase::EncodeField(&self.0, __encoder))?;
                __netabase::Field::<
                    u32,
                >::run(__netabase::EncodeField(&self.1, __encoder))?;
                __netabase::Ok(())
            }
        }
        #[automatically_derived]
        impl<__C> __netabase::bincode::Decode<__C> for LikePrimaryKey {
            fn decode<__D: __netabase::bincode::de::Decoder<Context = __C>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                __netabase::Ok(
                    Self(
                        __netabase::Field::<
                            u64,
                        >::run(
                            __netabase::DecodeField(
                                &mut __netabase::bincode::de::Decoder::with_context(
                                    __decoder,
                                    (),
                                ),
                            ),
                        )?,
                        __netabase::Field::<
                            u32,
                        >::run(
                            __netabase::DecodeField(
                                &mut __netabase::bincode::de::Decoder::with_context(
                                    __decoder,
                                    (),
                                ),
                            ),
                        )?,
                    ),
                )
            }
        }
        #[automatically_derived]
        impl<'__de, __C> __netabase::bincode::BorrowDecode<'__de, __C>
        for LikePrimaryKey {
            fn borrow_decode<
                __D: __netabase::bincode::de::BorrowDecoder<'__de, Context = __C>,
            >(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                <Self as __netabase::bincode::Decode<__C>>::decode(__decoder)
            }
        }
        #[automatically_derived]
        impl __netabase::EncodeKey for LikeSecondaryKeys {
            #[inline]
            fn encode_key(&self, _: &mut __netabase::Vec<u8>) {
                match *self {}
            }
        }
        #[automatically_derived]
        impl __netabase::AnySecondaryKey for LikeSecondaryKeys {
            type Model = Like;
            #[inline]
            fn index(&self) -> usize {
                match *self {}
            }
        }
        #[automatically_derived]
        impl __netabase::bincode::Encode for LikeSecondaryKeys {
            fn encode<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                match *self {}
            }
        }
        #[automatically_derived]
        impl<__C> __netabase::bincode::Decode<__C> for LikeSecondaryKeys {
            fn decode<__D: __netabase::bincode::de::Decoder<Context = __C>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                __netabase::Err(__netabase::bincode::error::DecodeError::EmptyEnum {
                    type_name: "LikeSecondaryKeys",
                })
            }
        }
        #[automatically_derived]
        impl<'__de, __C> __netabase::bincode::BorrowDecode<'__de, __C>
        for LikeSecondaryKeys {
            fn borrow_decode<
                __D: __netabase::bincode::de::BorrowDecoder<'__de, Context = __C>,
            >(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                <Self as __netabase::bincode::Decode<__C>>::decode(__decoder)
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<LikePrimaryKey> for LikeKey {
            #[inline]
            fn from(__value: LikePrimaryKey) -> Self {
                Self::Primary(__value)
            }
        }
        #[automatically_derived]
        impl __netabase::core::convert::From<LikeSecondaryKeys> for LikeKey {
            #[inline]
            fn from(__value: LikeSecondaryKeys) -> Self {
                Self::Secondary(__value)
            }
        }
        #[automatically_derived]
        impl __netabase::bincode::Encode for LikeKey {
            fn encode<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                match self {
                    Self::Primary(__value) => {
                        <u32 as __netabase::bincode::Encode>::encode(&0u32, __encoder)?;
                        <LikePrimaryKey as __netabase::bincode::Encode>::encode(
                            __value,
                            __encoder,
                        )
                    }
                    Self::Secondary(__value) => {
                        <u32 as __netabase::bincode::Encode>::encode(&1u32, __encoder)?;
                        <LikeSecondaryKeys as __netabase::bincode::Encode>::encode(
                            __value,
                            __encoder,
                        )
                    }
                }
            }
        }
        #[automatically_derived]
        impl<__C> __netabase::bincode::Decode<__C> for LikeKey {
            fn decode<__D: __netabase::bincode::de::Decoder<Context = __C>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                match <u32 as __netabase::bincode::Decode<__C>>::decode(__decoder)? {
                    0u32 => {
                        __netabase::Ok(
                            Self::Primary(
                                <LikePrimaryKey as __netabase::bincode::Decode<
                                    __C,
                                >>::decode(__decoder)?,
                            ),
                        )
                    }
                    1u32 => {
                        __netabase::Ok(
                            Self::Secondary(
                                <LikeSecondaryKeys as __netabase::bincode::Decode<
                                    __C,
                                >>::decode(__decoder)?,
                            ),
                        )
                    }
                    __found => {
                        __netabase::Err(__netabase::bincode::error::DecodeError::UnexpectedVariant {
                            type_name: "LikeKey",
                            allowed: &__netabase::bincode::error::AllowedEnumVariants::Range {
                                min: 0,
                                max: 1u32,
                            },
                            found: __found,
                        })
                    }
                }
            }
        }
        #[automatically_derived]
        impl<'__de, __C> __netabase::bincode::BorrowDecode<'__de, __C> for LikeKey {
            fn borrow_decode<
                __D: __netabase::bincode::de::BorrowDecoder<'__de, Context = __C>,
            >(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                <Self as __netabase::bincode::Decode<__C>>::decode(__decoder)
            }
        }
        #[automatically_derived]
        impl __netabase::Record for Like {
            const INFO: __netabase::ModelInfo = __netabase::ModelInfo {
                name: "Like",
                fields: &[
                    __netabase::FieldInfo {
                        name: "post",
                        ty: "u64",
                        describe: |__types| __netabase::Field::<
                            u64,
                        >::run(__netabase::DescribeField(__types, "u64")),
                    },
                    __netabase::FieldInfo {
                        name: "number",
                        ty: "u32",
                        describe: |__types| __netabase::Field::<
                            u32,
                        >::run(__netabase::DescribeField(__types, "u32")),
                    },
                ],
                primary_fields: &["post", "number"],
                primary_key: <LikePrimaryKey as __netabase::Key>::SHAPE,
                indexes: &[],
            };
            const FLAT: bool = true;
            type Ref<'a> = LikeRef<'a>;
            #[inline]
            fn from_ref(__ref: Self::Ref<'_>) -> Self {
                __ref
            }
            #[inline]
            fn encode_primary_key(&self, __out: &mut __netabase::Vec<u8>) {
                <u64 as __netabase::KeyPart>::encode(&self.post, __out);
                <u32 as __netabase::KeyPart>::encode(&self.number, __out);
            }
            #[inline]
            fn encode_secondary_key(
                &self,
                __index: usize,
                __out: &mut __netabase::Vec<u8>,
            ) {
                match __index {
                    _ => {
                        __netabase::core::unreachable!(
                            "a model has no index of this number"
                        )
                    }
                }
            }
            #[inline]
            fn encode_secondary_key_of(
                __ref: &Self::Ref<'_>,
                __index: usize,
                __out: &mut __netabase::Vec<u8>,
            ) {
                match __index {
                    _ => {
                        __netabase::core::unreachable!(
                            "a model has no index of this number"
                        )
                    }
                }
            }
            #[inline]
            fn skip_secondary_key(
                __index: usize,
                __input: &mut &[u8],
            ) -> __netabase::Result<(), __netabase::KeyDecodeError> {
                match __index {
                    _ => {
                        __netabase::core::unreachable!(
                            "a model has no index of this number"
                        )
                    }
                }
            }
            #[inline]
            fn encode_fields<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                __netabase::Field::<
                    u64,
                >::run(__netabase::EncodeField(&self.post, __encoder))?;
                __netabase::Field::<
                    u32,
                >::run(__netabase::EncodeField(&self.number, __encoder))?;
                __netabase::Ok(())
            }
            #[inline]
            fn decode_fields<__D: __netabase::bincode::de::Decoder<Context = ()>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                __netabase::Ok(Self {
                    post: __netabase::Field::<
                        u64,
                    >::run(__netabase::DecodeField(__decoder))?,
                    number: __netabase::Field::<
                        u32,
                    >::run(__netabase::DecodeField(__decoder))?,
                })
            }
            #[inline]
            fn borrow_fields<
                'a,
                __D: __netabase::bincode::de::BorrowDecoder<'a, Context = ()>,
            >(
                __decoder: &mut __D,
            ) -> __netabase::Result<
                Self::Ref<'a>,
                __netabase::bincode::error::DecodeError,
            > {
                __netabase::Ok(LikeRef {
                    post: __netabase::Field::<
                        u64,
                    >::run(__netabase::DecodeField(__decoder))?,
                    number: __netabase::Field::<
                        u32,
                    >::run(__netabase::DecodeField(__decoder))?,
                })
            }
        }
        #[automatically_derived]
        impl __netabase::NetabaseModelTrait<Blog> for Like {
            const DISCRIMINANT: BlogDiscriminant = BlogDiscriminant::Like;
            const PLACE: usize = BlogDiscriminant::Like as usize;
            type PrimaryKey = LikePrimaryKey;
            type SecondaryKeys = LikeSecondaryKeys;
            type Keys = LikeKey;
            #[inline]
            fn primary_key(&self) -> LikePrimaryKey {
                LikePrimaryKey(
                    <u64 as __netabase::KeyPart>::copied(&self.post),
                    <u32 as __netabase::KeyPart>::copied(&self.number),
                )
            }
            fn secondary_keys(&self) -> __netabase::Vec<LikeSecondaryKeys> {
                __netabase::core::convert::From::from([])
            }
        }
    };
}
