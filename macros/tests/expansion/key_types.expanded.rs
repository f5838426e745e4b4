#[derive(NetabaseKey, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[netabase(crate = crate::storage)]
pub struct Slug(String);
#[allow(
    deprecated,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::absolute_paths
)]
const _: () = {
    use crate::storage::__private as __netabase;
    #[allow(unused_imports)]
    use __netabase::OpaqueField as _;
    #[automatically_derived]
    impl __netabase::EncodeKey for Slug {
        #[inline]
        fn encode_key(&self, __out: &mut __netabase::Vec<u8>) {
            <String as __netabase::KeyPart>::encode(&self.0, __out);
        }
    }
    #[automatically_derived]
    impl __netabase::Key for Slug {
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
    impl __netabase::AsKey<Slug> for Slug {}
    #[automatically_derived]
    impl<__K: __netabase::ModelKey> __netabase::AsKey<__K> for Slug
    where
        Slug: __netabase::AsKey<<__K as __netabase::ModelKey>::Fields>,
    {}
};
#[derive(NetabaseKey, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u8,
    pub minor: u16,
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
    impl __netabase::EncodeKey for Version {
        #[inline]
        fn encode_key(&self, __out: &mut __netabase::Vec<u8>) {
            <u8 as __netabase::KeyPart>::encode(&self.major, __out);
            <u16 as __netabase::KeyPart>::encode(&self.minor, __out);
        }
    }
    #[automatically_derived]
    impl __netabase::Key for Version {
        const SHAPE: __netabase::KeyShape = __netabase::KeyShape::Tuple(
            &[<u8 as __netabase::KeyPart>::SHAPE, <u16 as __netabase::KeyPart>::SHAPE],
        );
        #[inline]
        fn decode_key(
            __input: &mut &[u8],
        ) -> __netabase::Result<Self, __netabase::KeyDecodeError> {
            __netabase::Ok(Self {
                major: <u8 as __netabase::KeyPart>::decode(__input)?,
                minor: <u16 as __netabase::KeyPart>::decode(__input)?,
            })
        }
        #[inline]
        fn skip_key(
            __input: &mut &[u8],
        ) -> __netabase::Result<(), __netabase::KeyDecodeError> {
            <u8 as __netabase::KeyPart>::skip(__input)?;
            <u16 as __netabase::KeyPart>::skip(__input)?;
            __netabase::Ok(())
        }
    }
    #[automatically_derived]
    impl __netabase::AsKey<Version> for Version {}
    #[automatically_derived]
    impl<__K: __netabase::ModelKey> __netabase::AsKey<__K> for Version
    where
        Version: __netabase::AsKey<<__K as __netabase::ModelKey>::Fields>,
    {}
};
#[derive(NetabaseKey, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Low = -1,
    High = 1,
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
    impl __netabase::EncodeKey for Level {
        #[inline]
        fn encode_key(&self, __out: &mut __netabase::Vec<u8>) {
            let __discriminant = match self {
                Self::Low => Self::Low as i64,
                Self::High => Self::High as i64,
            };
            <i64 as __netabase::EncodeKey>::encode_key(&__discriminant, __out);
        }
    }
    #[automatically_derived]
    impl __netabase::Key for Level {
        const SHAPE: __netabase::KeyShape = __netabase::KeyShape::Enum(
            &[("Low", Self::Low as i64), ("High", Self::High as i64)],
        );
        fn decode_key(
            __input: &mut &[u8],
        ) -> __netabase::Result<Self, __netabase::KeyDecodeError> {
            match <i64 as __netabase::Key>::decode_key(__input)? {
                __discriminant if __discriminant == Self::Low as i64 => {
                    __netabase::Ok(Self::Low)
                }
                __discriminant if __discriminant == Self::High as i64 => {
                    __netabase::Ok(Self::High)
                }
                _ => {
                    __netabase::Err(
                        __netabase::KeyDecodeError::new(
                            "no variant has this discriminant",
                        ),
                    )
                }
            }
        }
    }
    #[automatically_derived]
    impl __netabase::AsKey<Level> for Level {}
    #[automatically_derived]
    impl<__K: __netabase::ModelKey> __netabase::AsKey<__K> for Level
    where
        Level: __netabase::AsKey<<__K as __netabase::ModelKey>::Fields>,
    {}
};
