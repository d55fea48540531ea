//! Every story as one program: linked once, and two run side by side on two cores.

mod attestation;
mod calls;
mod canary;
mod crash;
mod keyd;
mod market;
mod programs;
mod rounds;
mod rpc;
mod validators;
