using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using Runner.Access;

namespace Runner.Certificates;

/// <summary>The certificate extension that carries a role: one DER UTF8String holding exactly a role's word.</summary>
static class RoleExtension
{
    /// <summary>
    /// UUID 68963feb-5d4f-4174-b702-39656e31ddf1 under the arc that is free for UUIDs in pieces, then 1 for "role".
    /// Not under 2.25: a 128-bit arc there makes certificates that Go and others cannot read.
    /// </summary>
    public const string Oid = "1.2.840.113556.1.8000.2554.26774.16363.23887.16756.46850.3761518.3268081.1";

    public static X509Extension Create(Role role)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteCharacterString(UniversalTagNumber.UTF8String, role.Word());
        // Not critical: verifiers that do not know the extension must still accept the certificate.
        return new X509Extension(Oid, writer.Encode(), critical: false);
    }

    /// <summary>Fails on anything but exactly one role: another type, other words, bytes after the end.</summary>
    public static bool TryRead(ReadOnlySpan<byte> der, out Role role)
    {
        role = default;
        try
        {
            var text = AsnDecoder.ReadCharacterString(der, AsnEncodingRules.DER, UniversalTagNumber.UTF8String, out var consumed);
            return consumed == der.Length && Roles.TryParse(text, out role);
        }
        catch (AsnContentException)
        {
            return false;
        }
    }
}
