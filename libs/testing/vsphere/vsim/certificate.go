package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// certificateSpec says what is wrong with the certificate; by default nothing: signed by a CA of its own, as a
// vCenter's is.
type certificateSpec struct {
	Expired   bool   `json:"expired"`
	NotYet    bool   `json:"notYet"`
	WrongName bool   `json:"wrongName"`
	Kind      string `json:"kind"` // "ca" (default) or "self-signed", as a fresh ESXi's
}

type certificate struct {
	key          *ecdsa.PrivateKey
	chain        [][]byte
	caFile       string
	sha1, sha256 string
}

func makeCertificate(spec certificateSpec, folder string) (*certificate, error) {
	now := time.Now()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca := template("CA of the vSphere simulator", now.Add(-48*time.Hour), now.Add(240*time.Hour))
	ca.IsCA, ca.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	caBytes, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, err
	}

	from, to := now.Add(-24*time.Hour), now.Add(240*time.Hour)
	if spec.Expired {
		to = now.Add(-time.Hour)
	}
	if spec.NotYet {
		from = now.Add(24 * time.Hour)
	}
	leaf := template("vcenter.test", from, to)
	leaf.DNSNames, leaf.IPAddresses = []string{"localhost", "vcenter.test"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	if spec.WrongName {
		leaf.DNSNames, leaf.IPAddresses = []string{"elsewhere.test"}, nil
	}
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	signer, signerKey := ca, caKey
	if spec.Kind == "self-signed" {
		signer, signerKey = leaf, key
	}
	leafBytes, err := x509.CreateCertificate(rand.Reader, leaf, signer, &key.PublicKey, signerKey)
	if err != nil {
		return nil, err
	}
	trusted := caBytes
	if spec.Kind == "self-signed" {
		trusted = leafBytes
	}
	file := filepath.Join(folder, "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: trusted})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	one, two := sha1.Sum(leafBytes), sha256.Sum256(leafBytes)
	return &certificate{key: key, chain: [][]byte{leafBytes}, caFile: file, sha1: colons(one[:]), sha256: colons(two[:])}, nil
}

func template(name string, from, to time.Time) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	check(err)
	return &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature}
}

func (c *certificate) tls() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: c.chain, PrivateKey: c.key}}}
}

func colons(digest []byte) string {
	return strings.TrimSuffix(strings.ReplaceAll(fmt.Sprintf("% X", digest)+" ", " ", ":"), ":")
}
