using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using Runner.Certificates;

namespace Runner.Tests.Certificates;

/// <summary>Makes what no honest tool makes: a certificate with the role extension twice. Its signature no longer fits.</summary>
static class Twice
{
    public static string Spliced(X509Certificate2 certificate)
    {
        var outer = new AsnReader(certificate.RawData, AsnEncodingRules.DER).ReadSequence();
        var body = outer.ReadSequence();
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
                while (body.HasData)
                {
                    var value = body.ReadEncodedValue();
                    if (value.Span[0] == 0xA3) WriteExtensions(writer, value); else writer.WriteEncodedValue(value.Span);
                }
            while (outer.HasData) writer.WriteEncodedValue(outer.ReadEncodedValue().Span);
        }
        return System.Security.Cryptography.PemEncoding.WriteString("CERTIFICATE", writer.Encode());
    }

    private static void WriteExtensions(AsnWriter writer, ReadOnlyMemory<byte> explicitly)
    {
        var extensions = new AsnReader(explicitly, AsnEncodingRules.DER).ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 3)).ReadSequence();
        using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 3)))
        using (writer.PushSequence())
            while (extensions.HasData)
            {
                var extension = extensions.ReadEncodedValue();
                writer.WriteEncodedValue(extension.Span);
                if (new AsnReader(extension, AsnEncodingRules.DER).ReadSequence().ReadObjectIdentifier() == RoleExtension.Oid)
                    writer.WriteEncodedValue(extension.Span);
            }
    }
}
