using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Runner.Certificates;

/// <summary>Reads the text attributes of a certificate's subject from its DER, so that no printed form has to be parsed.</summary>
static class SubjectName
{
    public const string CommonName = "2.5.4.3";
    public const string OrganizationalUnit = "2.5.4.11";

    /// <summary>Every value of one attribute, in order; the attributes of a multi-valued name part count like any other.</summary>
    /// <exception cref="AsnContentException">The subject is malformed, or a value is not text.</exception>
    public static List<string> Values(X500DistinguishedName name, string attribute)
    {
        var values = new List<string>();
        var outer = new AsnReader(name.RawData, AsnEncodingRules.DER);
        var parts = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        while (parts.HasData)
        {
            // Not every issuer sorts a set as DER wants; the order means nothing here.
            var part = parts.ReadSetOf(skipSortOrderValidation: true);
            while (part.HasData)
            {
                var pair = part.ReadSequence();
                if (pair.ReadObjectIdentifier() == attribute) values.Add(Text(pair));
            }
        }
        return values;
    }

    private static string Text(AsnReader reader)
    {
        var tag = reader.PeekTag();
        var kind = (UniversalTagNumber)tag.TagValue;
        return tag.TagClass is TagClass.Universal
            && kind is UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString or UniversalTagNumber.IA5String
            ? reader.ReadCharacterString(kind)
            : throw new AsnContentException("a subject attribute is not UTF8String, PrintableString or IA5String");
    }
}
