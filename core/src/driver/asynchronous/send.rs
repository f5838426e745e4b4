//! Bounds that hold where there are threads.

#[cfg(not(target_arch = "wasm32"))]
mod bounds {
    /// [`Send`] where there are threads; every type on wasm32, whose handles belong to one.
    ///
    /// Implemented for every type that it is for.
    pub trait MaybeSend: Send {}

    impl<T: Send + ?Sized> MaybeSend for T {}

    /// [`Sync`] where there are threads; every type on wasm32.
    ///
    /// Implemented for every type that it is for.
    pub trait MaybeSync: Sync {}

    impl<T: Sync + ?Sized> MaybeSync for T {}
}

#[cfg(target_arch = "wasm32")]
mod bounds {
    /// [`Send`] where there are threads; every type on wasm32, whose handles belong to one.
    ///
    /// Implemented for every type that it is for.
    pub trait MaybeSend {}

    impl<T: ?Sized> MaybeSend for T {}

    /// [`Sync`] where there are threads; every type on wasm32.
    ///
    /// Implemented for every type that it is for.
    pub trait MaybeSync {}

    impl<T: ?Sized> MaybeSync for T {}
}

pub use bounds::{MaybeSend, MaybeSync};
