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
	"errors"
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
	pair         tls.Certificate
	caFile       string
	sha1, sha256 string
}

// makeCertificate answers the folder's certificate, which stays the same over restarts.
func makeCertificate(spec certificateSpec, folder string) (*certificate, error) {
	file, kept := filepath.Join(folder, "ca.pem"), filepath.Join(folder, "server.pem")
	if text, err := os.ReadFile(kept); err == nil {
		pair, err := tls.X509KeyPair(text, text)
		if err != nil {
			return nil, err
		}
		return describeCertificate(pair, file), nil
	}
	now := time.Now()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca := template("CA of the vSphere simulator", now.Add(-48*time.Hour), now.AddDate(10, 0, 0))
	ca.IsCA, ca.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	caBytes, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, err
	}

	// Ten years: specs also run with a clock that is a year ahead of this process.
	from, to := now.Add(-24*time.Hour), now.AddDate(10, 0, 0)
	if spec.Expired {
		to = now.Add(-time.Hour)
	}
	if spec.NotYet {
		from = now.AddDate(5, 0, 0)
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
	keyBytes, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	server := append(block("CERTIFICATE", leafBytes), block("PRIVATE KEY", keyBytes)...)
	if err := errors.Join(os.WriteFile(file, block("CERTIFICATE", trusted), 0o600), os.WriteFile(kept, server, 0o600)); err != nil {
		return nil, err
	}
	return describeCertificate(tls.Certificate{Certificate: [][]byte{leafBytes}, PrivateKey: key}, file), nil
}

func block(kind string, bytes []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})
}

func describeCertificate(pair tls.Certificate, caFile string) *certificate {
	one, two := sha1.Sum(pair.Certificate[0]), sha256.Sum256(pair.Certificate[0])
	return &certificate{pair: pair, caFile: caFile, sha1: colons(one[:]), sha256: colons(two[:])}
}

func template(name string, from, to time.Time) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	check(err)
	return &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature}
}

func (c *certificate) tls() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.pair}}
}

func colons(digest []byte) string {
	return strings.TrimSuffix(strings.ReplaceAll(fmt.Sprintf("% X", digest)+" ", " ", ":"), ":")
}
