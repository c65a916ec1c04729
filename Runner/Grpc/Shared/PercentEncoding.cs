using System.Buffers;
using System.Text;

namespace Grpc.Shared;

/// <summary>The <c>grpc-message</c> header: UTF-8 with every byte outside of printable ASCII, and the percent sign, as <c>%XX</c>.</summary>
internal static class PercentEncoding
{
    private static readonly SearchValues<char> Plain = SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c).Where(c => c != '%')]);

    public static string Encode(string text)
    {
        if (!text.AsSpan().ContainsAnyExcept(Plain)) return text;
        var encoded = new StringBuilder(text.Length * 2);
        foreach (var b in Encoding.UTF8.GetBytes(text))
            if (Plain.Contains((char)b)) encoded.Append((char)b);
            else encoded.Append('%').Append(HexDigit(b >> 4)).Append(HexDigit(b & 0xf));
        return encoded.ToString();
    }

    /// <summary>Leaves alone what is no valid escape: a bad message must not hide the status it comes with.</summary>
    public static string Decode(string text)
    {
        if (!text.Contains('%', StringComparison.Ordinal)) return text;
        var source = Encoding.UTF8.GetBytes(text);
        var length = 0;
        for (var i = 0; i < source.Length; i++)
            if (source[i] == '%' && i + 2 < source.Length && char.IsAsciiHexDigit((char)source[i + 1]) && char.IsAsciiHexDigit((char)source[i + 2]))
            {
                source[length++] = Convert.FromHexString(text.Length == source.Length ? text.AsSpan(i + 1, 2) : [(char)source[i + 1], (char)source[i + 2]])[0];
                i += 2;
            }
            else
            {
                source[length++] = source[i];
            }

        return Encoding.UTF8.GetString(source, 0, length);
    }

    private static char HexDigit(int value) => "0123456789ABCDEF"[value];
}
