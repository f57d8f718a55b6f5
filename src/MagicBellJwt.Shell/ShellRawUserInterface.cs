using System;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Internal;

namespace MagicBellJwt.Shell;

/// <summary>The size of the terminal and the width of text on it. The shell never moves the cursor about, so the rest is refused.</summary>
internal sealed class ShellRawUserInterface : PSHostRawUserInterface
{
    private const int DefaultWidth = 80;
    private const int DefaultHeight = 24;

    public override ConsoleColor ForegroundColor { get; set; } = ConsoleColor.Gray;

    public override ConsoleColor BackgroundColor { get; set; } = ConsoleColor.Black;

    public override Coordinates CursorPosition
    {
        get => default;
        set => throw new NotSupportedException();
    }

    public override Coordinates WindowPosition
    {
        get => default;
        set => throw new NotSupportedException();
    }

    public override int CursorSize { get; set; } = 25;

    public override Size BufferSize
    {
        get => WindowSize;
        set => throw new NotSupportedException();
    }

    // A terminal that does not know its size says 0.
    public override Size WindowSize
    {
        get => Console.IsOutputRedirected || Console.WindowWidth < 1 ? new Size(DefaultWidth, DefaultHeight) : new Size(Console.WindowWidth, Console.WindowHeight);
        set => throw new NotSupportedException();
    }

    public override Size MaxWindowSize => WindowSize;

    public override Size MaxPhysicalWindowSize => WindowSize;

    public override string WindowTitle { get; set; } = "";

    public override bool KeyAvailable => !Console.IsInputRedirected && Console.KeyAvailable;

    public override KeyInfo ReadKey(ReadKeyOptions options) => throw new NotSupportedException();

    public override void FlushInputBuffer()
    {
        while (KeyAvailable)
        {
            Console.ReadKey(intercept: true);
        }
    }

    public override BufferCell[,] GetBufferContents(Rectangle rectangle) => throw new NotSupportedException();

    public override void SetBufferContents(Coordinates origin, BufferCell[,] contents) => throw new NotSupportedException();

    public override void SetBufferContents(Rectangle rectangle, BufferCell fill) => throw new NotSupportedException();

    public override void ScrollBufferContents(Rectangle source, Coordinates destination, Rectangle clip, BufferCell fill) => throw new NotSupportedException();

    public override int LengthInBufferCells(string source) => LengthInBufferCells(source, offset: 0);

    public override int LengthInBufferCells(string source, int offset)
    {
        int cells = 0;
        foreach (char character in new StringDecorated(source[offset..]).ToString(OutputRendering.PlainText))
        {
            cells += LengthInBufferCells(character);
        }

        return cells;
    }

    // A pair of surrogates, as of emoji, takes two cells: both are counted at its first half.
    public override int LengthInBufferCells(char source) => source switch
    {
        _ when char.IsHighSurrogate(source) => 2,
        _ when char.IsLowSurrogate(source) || CharUnicodeInfo.GetUnicodeCategory(source) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format => 0,
        (>= '\u1100' and <= '\u115f') or (>= '\u2e80' and <= '\ua4cf' and not '\u303f') or (>= '\uac00' and <= '\ud7a3') or (>= '\uf900' and <= '\ufaff')
            or (>= '\ufe30' and <= '\ufe6f') or (>= '\uff00' and <= '\uff60') or (>= '\uffe0' and <= '\uffe6') => 2,
        _ => 1,
    };
}
