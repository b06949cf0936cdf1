//! Lists of the servers' addresses, signed (Ed25519, RFC 8032): a client keeps the key of the first list it was given, and
//! believes no list of anybody else. A list leads clients about, so neither a cache nor a hijacked server may write one.

use anser_types::limits::{GATEWAYS_MAX, HOST_MAX_BYTES, NETWORK_MAX_BYTES};
use anser_types::{ErrorCode, Gateway, Refusal};
use bytes::Bytes;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use prost::Message;

use crate::v1;

/// What is signed begins so: no signature for anything else is one for a list.
const CONTEXT: &[u8] = b"anser endpoint list 1";

/// Whose lists are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListKey(pub [u8; 32]);

/// A list whose signature is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedList {
    /// Whose.
    pub key: ListKey,
    /// When it was made, in Unix milliseconds; a later list has a higher one.
    pub version: u64,
    /// For how long it is good from then on, in seconds.
    pub ttl_s: u32,
    /// The servers.
    pub gateways: Vec<Gateway>,
}

impl SignedList {
    /// Reads and checks the bytes of a [`v1::SignedEndpointList`]. Whether its key is one that is believed is for the
    /// caller to say.
    ///
    /// # Errors
    /// `ENDPOINT_LIST_REFUSED` with what is wrong.
    pub fn open(signed: &[u8]) -> Result<Self, Refusal> {
        let signed = v1::SignedEndpointList::decode(signed)
            .map_err(|error| refused(format!("it cannot be read: {error}")))?;
        let key = signed.key.as_ref().try_into().map(ListKey);
        let key = key.map_err(|_| refused("it is not signed"))?;
        let by = VerifyingKey::from_bytes(&key.0).map_err(|_| refused("its key is none"))?;
        let signature = Signature::from_slice(&signed.signature);
        let signature = signature.map_err(|_| refused("it is not signed"))?;
        by.verify_strict(&covered(&signed.list), &signature)
            .map_err(|_| refused("its signature is not that of its key"))?;
        let list = v1::EndpointList::decode(signed.list)
            .map_err(|error| refused(format!("it cannot be read: {error}")))?;
        if list.gateways.len() > GATEWAYS_MAX {
            return Err(refused(format!("it names more than {GATEWAYS_MAX} servers")));
        }
        let gateways = list.gateways.into_iter().map(gateway).collect::<Result<_, _>>()?;
        Ok(Self { key, version: list.version, ttl_s: list.ttl_s, gateways })
    }
}

/// Signs lists. The key is wiped from memory when it is dropped.
#[derive(Debug)]
pub struct ListSigner(SigningKey);

impl ListSigner {
    /// With this secret.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// What clients know the signer by.
    #[must_use]
    pub fn key(&self) -> ListKey {
        ListKey(self.0.verifying_key().to_bytes())
    }

    /// The bytes of a [`v1::SignedEndpointList`].
    #[must_use]
    pub fn sign(&self, version: u64, ttl_s: u32, gateways: &[Gateway]) -> Bytes {
        let gateways = gateways.iter().map(to_wire).collect();
        let list = Bytes::from(v1::EndpointList { version, ttl_s, gateways }.encode_to_vec());
        let signature = self.0.sign(&covered(&list)).to_bytes();
        let signed = v1::SignedEndpointList {
            list,
            key: Bytes::copy_from_slice(&self.key().0),
            signature: Bytes::copy_from_slice(&signature),
        };
        Bytes::from(signed.encode_to_vec())
    }
}

/// What is wrong with a server of a list, if anything is: a host that is none, no port, a name that is too long.
#[must_use]
pub fn fault(gateway: &Gateway) -> Option<&'static str> {
    let Gateway { host, tls, quic, https, network, .. } = gateway;
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || host.len() > HOST_MAX_BYTES || !host.chars().all(is_host) {
        Some("host is neither an address nor a name")
    } else if [tls, quic, https].into_iter().flatten().all(|port| *port == 0) {
        Some("there is no port")
    } else if network.len() > NETWORK_MAX_BYTES {
        Some("the network's name is too long")
    } else {
        None
    }
}

fn covered(list: &[u8]) -> Vec<u8> {
    [CONTEXT, list].concat()
}

fn refused(detail: impl Into<String>) -> Refusal {
    Refusal::because(ErrorCode::EndpointListRefused, detail)
}

fn gateway(wire: v1::Gateway) -> Result<Gateway, Refusal> {
    let port = |number: u32| match u16::try_from(number) {
        Ok(port) => Ok((port > 0).then_some(port)),
        Err(_) => Err(refused(format!("{number} is no port"))),
    };
    let read = Gateway {
        tls: port(wire.tls)?,
        quic: port(wire.quic)?,
        https: port(wire.https)?,
        host: wire.host,
        network: wire.network,
        weight: wire.weight,
    };
    match fault(&read) {
        Some(fault) => Err(refused(fault)),
        None => Ok(read),
    }
}

fn to_wire(gateway: &Gateway) -> v1::Gateway {
    let port = |port: Option<u16>| port.map_or(0, u32::from);
    v1::Gateway {
        host: gateway.host.clone(),
        tls: port(gateway.tls),
        quic: port(gateway.quic),
        https: port(gateway.https),
        network: gateway.network.clone(),
        weight: gateway.weight,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateways() -> Vec<Gateway> {
        let mobile = Gateway {
            host: "2001:db8::7".into(),
            quic: Some(7411),
            network: "mobile:cmcc".into(),
            ..Gateway::default()
        };
        let name = Gateway {
            host: "chat.example".into(),
            tls: Some(7411),
            https: Some(443),
            weight: 3,
            ..Gateway::default()
        };
        vec![mobile, name]
    }

    #[test]
    fn what_was_signed_is_read_and_nothing_else() {
        let signer = ListSigner::new(&[7; 32]);
        let signed = signer.sign(12, 3600, &gateways());
        let list = SignedList::open(&signed).unwrap();
        assert_eq!(list.key, signer.key());
        assert_eq!((list.version, list.ttl_s, list.gateways), (12, 3600, gateways()));
        for index in 0..signed.len() {
            let mut altered = signed.to_vec();
            altered[index] ^= 0x10;
            // A field's tag or length may become another one's that is skipped, never a list that nobody signed.
            if let Ok(list) = SignedList::open(&altered) {
                panic!("byte {index} altered: {list:?}");
            }
        }
    }

    #[test]
    fn a_list_that_is_not_signed_or_not_possible_is_refused() {
        let unsigned = v1::SignedEndpointList {
            list: Bytes::from(v1::EndpointList::default().encode_to_vec()),
            ..v1::SignedEndpointList::default()
        };
        let told = SignedList::open(&unsigned.encode_to_vec()).unwrap_err();
        assert_eq!(
            (told.code, told.detail.as_str()),
            (ErrorCode::EndpointListRefused, "it is not signed")
        );
        let signer = ListSigner::new(&[7; 32]);
        let host = |host: &str| Gateway { host: host.into(), ..gateways()[1].clone() };
        for wrong in [
            host(""),
            host("a b"),
            host("evil/../x"),
            Gateway { tls: None, https: None, ..host("a") },
        ] {
            let signed = signer.sign(1, 1, std::slice::from_ref(&wrong));
            let told = SignedList::open(&signed).unwrap_err();
            assert_eq!(told.code, ErrorCode::EndpointListRefused, "{wrong:?}");
        }
        let many = vec![host("a"); GATEWAYS_MAX + 1];
        assert!(SignedList::open(&signer.sign(1, 1, &many)).is_err());
    }
}
